"""A worker may be killed at any point: nothing is lost, and a second copy is only ever a labelled one."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from mailsetup.cli.worker import make_worker
from mailsetup.core.clock import utcnow
from mailsetup.outbox import bodies
from mailsetup.outbox.deliver import Lane
from mailsetup.outbox.models import CLAIMED, FAILED, QUEUED, SENDING, SENT, Message
from mailsetup.outbox.sweep import SweepResult, sweep
from tests import databases
from tests.outbox.children import crash, dies, dies_after, drain, drain_and_tell_of_the_request, ended, forked
from tests.outbox.conftest import Queue
from tests.outbox.smtp_server import Server
from tests.processes import until
from tests.valkey_server import ValkeyServer

Send = Callable[[], None]
pytestmark = pytest.mark.usefixtures("config")


def swept(session: Session) -> SweepResult:
    """A sweep after every lease has run out."""
    session.commit()
    session.execute(update(Message).values(lease_until=utcnow() - timedelta(seconds=1)))
    session.commit()
    result = sweep(session)
    session.commit()
    session.expire_all()
    return result


def freeze(child: int, session: Session) -> None:
    """Stops a worker, but not within a transaction: frozen there it would keep SQLite's only lock."""
    session.commit()
    file = session.get_bind().engine.url.database

    def stopped_outside() -> bool:
        os.kill(child, signal.SIGSTOP)
        os.waitpid(child, os.WUNTRACED)
        try:
            if databases.chosen() == "sqlite":
                with closing(sqlite3.connect(str(file), timeout=0)) as asked:
                    asked.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            os.kill(child, signal.SIGCONT)
            return False
        return True

    until(stopped_outside)


def due_now(session: Session) -> None:
    session.execute(update(Message).values(next_attempt_at=utcnow()))
    session.commit()


def test_it_sends_once_what_a_worker_held_that_died_after_the_claim(
    queue: Queue, send: Send, smtp: Server, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = queue()
    crash(monkeypatch, Lane, "_send_batch", dies)
    session.expire_all()
    assert row.status == CLAIMED
    assert swept(session).recovered == 1
    assert (row.status, row.possible_duplicate, row.crash_count) == (QUEUED, False, 1)
    send()
    assert (row.status, len(smtp.mails)) == (SENT, 1)


def test_it_waits_for_the_wire_deadline_of_a_mail_that_was_begun(
    queue: Queue, smtp: Server, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = queue()
    crash(monkeypatch, Lane, "_talk", dies)
    assert sweep(session).recovered == 0
    session.refresh(row)
    assert row.status == SENDING
    assert row.lease_until
    assert row.lease_until - utcnow() > timedelta(minutes=14)


def test_it_labels_what_may_have_been_sent_before_the_worker_died(
    queue: Queue, send: Send, smtp: Server, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = queue()
    crash(monkeypatch, Lane, "_talk", dies_after(Lane._talk))
    swept(session)
    assert (row.status, row.possible_duplicate) == (QUEUED, True)
    assert row.attempts[0].outcome == "unknown"
    due_now(session)
    send()
    assert row.status == SENT
    assert smtp.mails[0] == smtp.mails[1]


def test_it_labels_what_the_server_held_when_the_worker_died(
    queue: Queue, send: Send, smtp: Server, session: Session
) -> None:
    row = queue()
    smtp.hold.clear()
    child = forked(drain)
    smtp.got_mail.wait(60)
    os.kill(child, signal.SIGKILL)
    assert ended(child) == -signal.SIGKILL
    smtp.hold.set()
    swept(session)
    due_now(session)
    send()
    assert (row.status, row.possible_duplicate) == (SENT, True)
    assert smtp.mails[0] == smtp.mails[1]


def test_it_finishes_the_mail_on_the_wire_when_asked_to_stop(queue: Queue, smtp: Server, session: Session) -> None:
    rows = [queue() for _ in range(5)]
    smtp.hold.clear()
    noticed, told = os.pipe()
    child = forked(lambda: drain_and_tell_of_the_request(told))
    os.close(told)
    smtp.got_mail.wait(60)
    os.kill(child, signal.SIGUSR1)
    assert os.read(noticed, 1) == b""  # Only then: the signal is heard a moment after it was sent.
    os.close(noticed)
    smtp.hold.set()
    assert ended(child) == 0
    session.expire_all()
    states = sorted(row.status for row in rows)
    assert states.count(SENT) == len(smtp.mails) <= 2
    assert set(states) == {SENT, QUEUED}


def test_it_sets_aside_a_mail_that_kills_every_worker_and_sends_the_others(
    queue: Queue, send: Send, smtp: Server, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, *others = [queue() for _ in range(4)]
    opened, fatal = bodies.opened, poison.id
    monkeypatch.setattr(bodies, "opened", lambda s, w, i, b: dies(None) if i == fatal else opened(s, w, i, b))
    for _ in range(6):
        ended(forked(drain))
        swept(session)
        due_now(session)
    session.expire_all()
    assert (poison.status, poison.crash_count) == (FAILED, 3)
    assert poison.last_explanation
    assert {row.status for row in others} == {SENT}
    assert len(smtp.mails) == 3


def test_it_delivers_each_mail_once_after_redis_was_wiped_with_no_worker_running(
    queue: Queue, smtp: Server, session: Session, valkey: ValkeyServer
) -> None:
    rows = [queue() for _ in range(25)]
    valkey.flush()
    assert sweep(session).rung
    session.commit()
    child = forked(lambda: make_worker("mail").work(burst=True, logging_level="ERROR"))
    assert ended(child) == 0
    session.expire_all()
    assert {row.status for row in rows} == {SENT}
    assert len(smtp.mails) == 25


def test_it_accepts_mail_while_redis_is_down(queue: Queue, send: Send, smtp: Server, valkey: ValkeyServer) -> None:
    valkey.kill()
    row = queue()
    send()
    until(lambda: smtp.mails)
    assert row.status == SENT


def test_it_ignores_the_late_result_of_a_worker_that_lost_its_lease(
    queue: Queue, smtp: Server, session: Session
) -> None:
    row = queue()
    smtp.hold.clear()
    child = forked(drain)
    smtp.got_mail.wait(60)
    freeze(child, session)
    swept(session)
    assert row.status == QUEUED
    session.commit()
    os.kill(child, signal.SIGCONT)
    smtp.hold.set()
    assert ended(child) == 0
    session.expire_all()
    assert (row.status, row.possible_duplicate, row.attempts[0].outcome) == (QUEUED, True, "unknown")
