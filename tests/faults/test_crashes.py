"""Rows 1-10: a worker is killed, frozen, or told to stop, at every step of a mail's way."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from rq.timeouts import UnixSignalDeathPenalty
from sqlalchemy.orm import Session

from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.outbox import bodies
from mailsetup.outbox.claim import WIRE_DEADLINE
from mailsetup.outbox.models import CLAIMED, FAILED, QUEUED, SENDING, SENT
from tests.faults.crash_points import crash_at, die
from tests.faults.upkeep import counts, due_now, fresh, leases_over, serve, serve_on, swept
from tests.outbox.children import drain, ended, forked
from tests.outbox.conftest import Queue
from tests.outbox.smtp_server import Server
from tests.processes import until

Send = Callable[[], None]
pytestmark = pytest.mark.usefixtures("config")


@pytest.mark.parametrize("point", ["before_claim", "in_claim"])
def test_row_01_sigkill_before_the_claim_commits(
    point: str, queue: Queue, send: Send, smtp: Server, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = queue()
    crash_at(point, monkeypatch)
    fresh(session)
    assert (row.status, row.lease_token) == (QUEUED, None)
    assert swept(session).rung
    send()
    assert (row.status, row.possible_duplicate, len(smtp.mails)) == (SENT, False, 1)


@pytest.mark.parametrize("point", ["after_claim"])
def test_row_02_sigkill_after_the_claim_before_the_wire(
    point: str, queue: Queue, send: Send, smtp: Server, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = queue()
    crash_at(point, monkeypatch)
    fresh(session)
    assert row.status == CLAIMED
    assert row.lease_until
    assert row.lease_until - utcnow() <= timedelta(seconds=60)
    assert leases_over(session).recovered == 1
    send()
    assert (row.status, row.possible_duplicate, len(smtp.mails)) == (SENT, False, 1)


def test_row_03_sigkill_in_the_middle_of_the_mail(
    queue: Queue, send: Send, smtp: Server, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = queue()
    crash_at("mid_data", monkeypatch)
    assert swept(session).recovered == 0
    assert row.status == SENDING
    assert row.lease_until
    assert row.lease_until - utcnow() > timedelta(minutes=14)
    leases_over(session)
    assert row.possible_duplicate
    due_now(session)
    send()
    assert (row.status, len(smtp.mails)) == (SENT, 1)


def test_row_04_sigkill_after_the_dot_before_the_reply(
    queue: Queue, send: Send, smtp: Server, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = queue()
    smtp.hold.clear()
    crash_at("after_dot", monkeypatch)
    smtp.hold.set()
    leases_over(session)
    assert (row.status, row.possible_duplicate, row.attempts[0].outcome) == (QUEUED, True, "unknown")
    due_now(session)
    send()
    assert (row.status, row.possible_duplicate) == (SENT, True)
    assert len(smtp.mails) == 2
    assert smtp.mails[0] == smtp.mails[1]


def test_row_05_sigkill_after_the_reply_before_anything_is_written(
    queue: Queue, send: Send, smtp: Server, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [queue() for _ in range(5)]
    crash_at("after_reply", monkeypatch)
    send()
    assert counts(session) == {SENDING: 1, SENT: 4}
    leases_over(session)
    assert sum(row.possible_duplicate for row in rows) == 1
    due_now(session)
    send()
    assert {row.status for row in rows} == {SENT}
    assert len(smtp.mails) == 6
    assert len(set(smtp.mails)) == 5


def test_row_05_sigkill_after_the_reply_was_noted_before_the_commit(
    queue: Queue, send: Send, smtp: Server, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [queue() for _ in range(5)]
    crash_at("after_the_journal", monkeypatch)
    send()
    fresh(session)
    assert {row.status for row in rows} == {SENT}
    assert {(row.attempt_count, row.possible_duplicate) for row in rows} == {(1, False)}
    assert len(smtp.mails) == len(set(smtp.mails)) == 5


def test_row_07_a_frozen_worker_wakes_up_after_its_lease(
    queue: Queue, send: Send, smtp: Server, session: Session
) -> None:
    row = queue()
    smtp.hold.clear()
    child = forked(drain)
    smtp.got_mail.wait(10)
    os.kill(child, signal.SIGSTOP)
    leases_over(session)
    due_now(session)
    smtp.hold.set()
    send()
    stands = (row.status, row.attempt_count, row.finished_at)
    os.kill(child, signal.SIGCONT)
    assert ended(child) == 0
    fresh(session)
    assert (row.status, row.attempt_count, row.finished_at) == stands
    assert (row.status, row.possible_duplicate, row.attempts[0].outcome) == (SENT, True, "unknown")
    assert smtp.mails[0] == smtp.mails[1]


def test_row_08_sigterm_while_a_mail_is_on_the_wire(
    queue: Queue, smtp: Server, session: Session, children: list[int]
) -> None:
    rows = [queue() for _ in range(4)]
    smtp.hold.clear()
    child = forked(serve_on)
    children.append(child)
    assert smtp.got_mail.wait(20)
    os.kill(child, signal.SIGTERM)
    smtp.hold.set()
    assert ended(child) == 0
    states = counts(session)
    assert states.get(SENT, 0) == len(smtp.mails) >= 1
    assert states.get(SENT, 0) + states.get(QUEUED, 0) == len(rows)
    assert len(set(smtp.mails)) == len(smtp.mails)


def test_row_09_a_mail_that_kills_every_worker_is_set_aside(
    queue: Queue, smtp: Server, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, *others = [queue() for _ in range(4)]
    opened, fatal = bodies.opened, poison.id
    monkeypatch.setattr(bodies, "opened", lambda s, w, i, b: die() if i == fatal else opened(s, w, i, b))
    for _ in range(6):
        ended(forked(drain))
        leases_over(session)
        due_now(session)
    assert (poison.status, poison.crash_count) == (FAILED, 3)
    assert poison.last_explanation
    assert {row.status for row in others} == {SENT}
    assert len(smtp.mails) == 3


def test_row_10_the_job_timeout_fires_while_a_mail_is_on_the_wire(
    queue: Queue, smtp: Server, session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, children: list[int]
) -> None:
    _, timeout = queues.JOBS["mailsetup.outbox.jobs.drain"]
    assert timeout > WIRE_DEADLINE.total_seconds()
    fired, strike = tmp_path / "fired", UnixSignalDeathPenalty.handle_death_penalty

    def noted(penalty: UnixSignalDeathPenalty, signum: int, frame: object) -> None:
        fired.touch()
        strike(penalty, signum, frame)

    monkeypatch.setattr(UnixSignalDeathPenalty, "handle_death_penalty", noted)
    monkeypatch.setitem(queues.JOBS, "mailsetup.outbox.jobs.drain", ("mail", 1))
    row = queue()
    smtp.hold.clear()
    children.append(forked(serve))
    until(fired.exists)
    smtp.hold.set()
    ended(children.pop())
    fresh(session)
    assert (row.status, len(smtp.mails)) == (SENT, 1)
