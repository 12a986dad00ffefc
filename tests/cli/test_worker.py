import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from rq.exceptions import StopRequested

from mailsetup.cli import worker as worker_module
from mailsetup.core import queues
from mailsetup.settings import Settings
from tests.processes import alive, until
from tests.valkey_server import ValkeyServer

TOP = Path(__file__).parents[2]
# The job is replaced in the child process only: it says who runs it, then waits to be told to stop.
PROGRAM = """
import os, pathlib, sys
from mailsetup import settings
from mailsetup.core import stopping
from mailsetup.outbox import jobs
from tests.cli.test_worker import settings_for
folder = pathlib.Path(sys.argv[3])
def drain():
    (folder / "horse").write_text(str(os.getpid()))
    while not stopping.wait(0.05):
        pass
    (folder / "finished").touch()
jobs.drain = drain
settings.start(settings_for(sys.argv[1], sys.argv[2]))
from mailsetup.cli.worker import serve
serve("mail", logging_level="ERROR")
"""


def settings_for(database_url: str, redis_url: str) -> Settings:
    from mailsetup.core import crypto
    from mailsetup.core.crypto import KeyRing
    from mailsetup.core.redact import Secret

    return Settings(
        "test", database_url, redis_url, "http://localhost", Secret("x" * 32), KeyRing({"k": crypto.new_key()})
    )


@pytest.fixture
def worker(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker with one job running."""
    queues.configure(redis_url)
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, database_url, redis_url, str(tmp_path)], cwd=TOP, stdout=log
    )
    queues.ring("mailsetup.outbox.jobs.drain")
    until(lambda: (tmp_path / "horse").exists() and (tmp_path / "horse").read_text() != "")
    yield process
    process.kill()
    process.wait()
    log.close()


def test_it_takes_its_running_job_along_when_killed(worker: subprocess.Popen[bytes], tmp_path: Path) -> None:
    horse = int((tmp_path / "horse").read_text())
    worker.kill()
    until(lambda: not alive(horse))
    assert not (tmp_path / "finished").exists()


def test_it_lets_the_job_at_hand_finish_when_asked_to_stop(worker: subprocess.Popen[bytes], tmp_path: Path) -> None:
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    assert (tmp_path / "finished").exists()


def test_it_does_not_end_its_running_job_when_redis_is_away(
    worker: subprocess.Popen[bytes], valkey: ValkeyServer, tmp_path: Path
) -> None:
    valkey.kill()
    until(lambda: "worker_redis_away" in (tmp_path / "log").read_text())
    assert worker.poll() is None
    worker.send_signal(signal.SIGTERM)
    worker.wait(60)
    assert (tmp_path / "finished").exists()


def test_it_says_in_one_line_that_redis_is_away_and_waits_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [redis.ConnectionError("Error 111 connecting to redis:6379"), redis.TimeoutError(), None]

    class Connection:
        def ping(self) -> None:
            answer = answers.pop(0)
            if answer is not None:
                raise answer

    monkeypatch.setattr(queues, "connection", Connection)
    monkeypatch.setattr(worker_module, "REDIS_PAUSE_SECONDS", 0)
    worker_module.wait_for_redis()
    said = capsys.readouterr().err
    assert said == "Redis does not answer (ConnectionError); see MAILSETUP_REDIS_URL. Waiting for it.\n"
    assert answers == []


class Turn:
    """One loop of RQ, which ends as it is told to."""

    def __init__(self, ends: Exception | None = None, *, asked_to_stop: bool = False) -> None:
        self.ends, self.asked_to_stop = ends, asked_to_stop

    def work(self, **_options: object) -> bool:
        if self.ends:
            raise self.ends
        return False


@pytest.mark.parametrize("last", [Turn(asked_to_stop=True), Turn(StopRequested())])
def test_it_begins_again_until_it_is_asked_to_stop(monkeypatch: pytest.MonkeyPatch, last: Turn) -> None:
    """RQ ends its loop when Redis goes away between two jobs, and a worker that ended delivers no mail."""
    turns, waited = [Turn(), Turn(redis.ConnectionError("away")), last, Turn()], []
    monkeypatch.setattr(worker_module, "make_worker", lambda _name: turns.pop(0))
    monkeypatch.setattr(worker_module, "REDIS_PAUSE_SECONDS", 0)
    monkeypatch.setattr(worker_module, "wait_for_redis", lambda: waited.append(True))
    worker_module.serve("mail")
    assert (len(turns), len(waited)) == (1, 2)
