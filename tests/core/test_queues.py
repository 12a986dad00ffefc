import json
import pickle
import zlib
from pathlib import Path
from typing import Any

import pytest
from rq.exceptions import DeserializationError
from rq.job import Job

from mailsetup.core import db, queues

DRAIN = "mailsetup.outbox.jobs.drain"
RUN_TEST = "mailsetup.diagnosis.jobs.run_test"


@pytest.fixture(autouse=True)
def configured(database_url: str, redis_url: str) -> None:
    db.configure(database_url)
    queues.configure(redis_url)


def payloads(name: str) -> list[bytes]:
    return [queues.connection().hget(f"rq:job:{job_id}", "data") for job_id in queues.queue(name).job_ids]  # type: ignore[misc]


def test_it_rings_after_the_commit_and_not_before() -> None:
    with db.session_scope() as session:
        queues.enqueue_after_commit(session, RUN_TEST, "an-id")
        assert queues.queue("tests").count == 0
        with session.begin_nested():
            pass
        assert queues.queue("tests").count == 0
    assert queues.queue("tests").count == 1


def test_it_forgets_the_doorbell_of_a_rolled_back_transaction() -> None:
    with pytest.raises(RuntimeError), db.session_scope() as session:
        queues.enqueue_after_commit(session, RUN_TEST, "an-id")
        raise RuntimeError
    assert queues.queue("tests").count == 0


def test_it_keeps_only_json_in_redis() -> None:
    queues.ring(RUN_TEST, "an-id")
    (payload,) = payloads("tests")
    assert json.loads(zlib.decompress(payload))[2] == ["an-id"]


def test_it_rings_once_for_many_until_the_job_answers() -> None:
    for _ in range(5):
        assert queues.ring(DRAIN)
    assert queues.queue("mail").count == 1
    queues.answered(DRAIN)
    queues.ring(DRAIN)
    assert queues.queue("mail").count == 2


def test_it_enqueues_and_runs_only_functions_on_the_list() -> None:
    with pytest.raises(PermissionError), db.session_scope() as session:
        queues.enqueue_after_commit(session, "os.system", "true")
    job = Job.create("subprocess.getoutput", args=("true",), connection=queues.connection())
    listed = queues.ListedJob(job.id, connection=queues.connection())
    listed.func_name = "subprocess.getoutput"
    with pytest.raises(PermissionError):
        _ = listed.func


def test_it_does_not_unpickle_what_somebody_put_into_redis() -> None:
    job = queues.queue("tests").enqueue_call(RUN_TEST, args=("an-id",))
    evil = zlib.compress(pickle.dumps(("os.system", None, ("true",), {})))
    queues.connection().hset(f"rq:job:{job.id}", "data", evil)
    with pytest.raises(DeserializationError):
        _ = queues.queue("tests").fetch_job(job.id).func_name  # type: ignore[union-attr]


def test_it_goes_on_when_redis_does_not_hear() -> None:
    queues.configure("redis://127.0.0.1:1/0")
    assert queues.ring(DRAIN) is False


@pytest.mark.parametrize("when", ["success", "failure", "stopped"])
def test_it_runs_no_callback_that_somebody_put_into_redis(when: str, tmp_path: Path, monkeypatch: Any) -> None:
    """RQ imports whatever a callback is named, and an import runs code."""
    (tmp_path / "hostile_callback.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\ndef call(*_): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    job = queues.queue("tests").enqueue_call(RUN_TEST, args=("an-id",))
    queues.connection().hset(f"rq:job:{job.id}", f"{when}_callback_name", "hostile_callback.call")
    found = queues.queue("tests").fetch_job(job.id)
    assert getattr(found, f"{when}_callback") is None
    assert not (tmp_path / "ran").exists()
