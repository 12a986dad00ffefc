"""Rows 11-17: Redis is a doorbell. Whatever becomes of it, mail neither gets lost nor goes twice."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.cli import worker as worker_program
from mailsetup.cli.worker import make_worker
from mailsetup.core import queues
from mailsetup.outbox.models import QUEUED, SENT, Message
from tests.api.conftest import Call
from tests.faults.crash_points import crash_at
from tests.faults.upkeep import counts, serve, serve_on, swept
from tests.outbox.children import ended, forked
from tests.outbox.conftest import Queue
from tests.outbox.smtp_server import Server
from tests.processes import alive, until
from tests.valkey_server import ValkeyServer

Send = Callable[[], None]
DRAIN = "mailsetup.outbox.jobs.drain"
MAIL = {"to": "me@fabrikam.example", "subject": "Your invoice", "text": "Here it is.\n"}


def delivered(session: Session, smtp: Server, count: int) -> None:
    """Sweeps until all of it is recorded as sent, each once."""

    def all_sent() -> bool:
        swept(session)
        return counts(session) == {SENT: count}

    until(all_sent, seconds=40)
    assert len(smtp.mails) == len(set(smtp.mails)) == count


@pytest.fixture
def worker(config: object, valkey: ValkeyServer, children: list[int]) -> int:
    """A worker process that goes on until the test is over."""

    def work() -> None:
        # A server's folder stays locked as long as anybody holds the descriptor.
        os.close(valkey.server._lock or 0)
        serve_on()

    children.append(forked(work))
    return children[0]


def test_row_11_redis_is_wiped_again_and_again_under_load(
    queue: Queue, smtp: Server, session: Session, valkey: ValkeyServer, worker: int
) -> None:
    def reached(least: int) -> bool:
        return len(smtp.mails) >= least

    for wipe in range(4):
        for _ in range(75):
            queue()
        valkey.flush()
        swept(session)
        until(partial(reached, 25 * (wipe + 1)))
    delivered(session, smtp, 300)
    assert alive(worker)


def test_row_12_redis_is_down_while_mail_is_accepted(
    call: Call, smtp: Server, session: Session, valkey: ValkeyServer
) -> None:
    valkey.kill()
    answers = [call("POST", "/messages", json=MAIL) for _ in range(100)]
    assert {answer.status_code for answer in answers} == {202}
    assert session.scalar(select(func.count()).select_from(Message)) == 100
    valkey.start()
    until(lambda: queues.ring(DRAIN))
    assert ended(forked(serve)) == 0
    delivered(session, smtp, 100)


def test_row_13_redis_is_down_while_workers_run(
    queue: Queue, smtp: Server, session: Session, valkey: ValkeyServer, worker: int, client: FlaskClient
) -> None:
    queue()
    until(lambda: smtp.mails)
    valkey.kill()
    assert client.get("/ready").status_code == 503
    assert client.get("/live").status_code == 200
    queue()
    valkey.start()
    delivered(session, smtp, 2)
    assert alive(worker)
    assert client.get("/ready").status_code == 200


def test_row_14_redis_comes_back_without_its_memory(
    queue: Queue, smtp: Server, session: Session, valkey: ValkeyServer, worker: int
) -> None:
    for _ in range(150):
        queue()
    until(lambda: len(smtp.mails) >= 20)
    valkey.kill()
    shutil.rmtree(valkey.server.folder / "appendonlydir")
    valkey.start()
    for _ in range(50):
        queue()
    delivered(session, smtp, 200)


@pytest.fixture
def limits(valkey: ValkeyServer) -> Iterator[Callable[[str, str], object]]:
    """Changes a limit of Redis for the length of a test."""
    before = {name: str(valkey.connection.config_get(name)[name]) for name in ("maxmemory", "maxmemory-policy")}
    yield valkey.connection.config_set
    for name, value in before.items():
        valkey.connection.config_set(name, value)


def test_row_15_redis_is_full_or_drops_what_it_holds(
    queue: Queue,
    send: Send,
    config: object,
    limits: Callable[[str, str], object],
    capsys: pytest.CaptureFixture[str],
) -> None:
    limits("maxmemory-policy", "allkeys-lru")
    assert worker_program.refuses_redis()
    assert "noeviction" in capsys.readouterr().err
    limits("maxmemory-policy", "noeviction")
    assert not worker_program.refuses_redis()
    limits("maxmemory", "1")
    row = queue()
    assert row.status == QUEUED
    send()
    assert row.status == SENT


def test_row_16_a_worker_dies_between_taking_a_job_and_starting_it(
    queue: Queue, smtp: Server, session: Session, config: object, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue()
    crash_at("after_pop", monkeypatch, serve)
    assert len(make_worker("mail").queues) == 1
    assert queues.queue("mail").count == 0
    assert 0 < int(valkey.connection.ttl(queues.rung_key(DRAIN))) <= 30
    valkey.connection.delete(queues.rung_key(DRAIN))
    assert swept(session).rung
    assert ended(forked(serve)) == 0
    delivered(session, smtp, 1)


class Evil:
    """Touches a file as soon as somebody unpickles it."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


def test_row_17_somebody_writes_code_into_redis(
    queue: Queue, smtp: Server, session: Session, config: object, valkey: ValkeyServer, tmp_path: Path
) -> None:
    touched = tmp_path / "touched"
    crafted = {
        "pickled": pickle.dumps(Evil(str(touched))),
        "unlisted": json.dumps(["os.mkdir", None, [str(touched)], {}]).encode(),
    }
    for job_id, payload in crafted.items():
        facts: dict[Any, Any] = {
            "data": zlib.compress(payload),
            "created_at": "2026-11-21T10:00:00.0Z",
            "status": "queued",
        }
        facts |= {"origin": "mail", "timeout": "60"}
        valkey.connection.hset(f"rq:job:{job_id}", mapping=facts)
        valkey.connection.rpush("rq:queue:mail", job_id)
    queue()
    assert ended(forked(serve)) == 0
    assert not touched.exists()
    assert queues.queue("mail").failed_job_registry.count == 2
    delivered(session, smtp, 1)
