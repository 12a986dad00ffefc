"""Rows 23-26: clocks that jump, upkeep that runs twice, a schema that changes, retention."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from mailsetup.alerts.models import AlertNotice
from mailsetup.alerts.open import open_alert
from mailsetup.alerts.sweep import sweep as sweep_alerts
from mailsetup.core import db, queues
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import Conflict
from mailsetup.core.ids import new_id
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import actions, bodies, forget
from mailsetup.outbox import sweep as sweeping
from mailsetup.outbox.models import FAILED, QUEUED, SENDING, SENT, Message, MessageBody
from mailsetup.workspaces import retention
from mailsetup.workspaces.audit import SYSTEM
from tests.faults.crash_points import crash_at
from tests.faults.upkeep import counts, fresh, serve, swept
from tests.outbox.children import drain, ended, forked
from tests.outbox.conftest import Queue
from tests.outbox.smtp_server import Server
from tests.valkey_server import ValkeyServer

Send = Callable[[], None]


@pytest.mark.parametrize("hours", [2, -2])
def test_row_23_the_clock_of_one_worker_jumps(
    hours: int, config: object, queue: Queue, smtp: Server, session: Session
) -> None:
    due, later = queue(), queue(send_at=utcnow() + timedelta(hours=1))

    def drain_elsewhen() -> None:
        with time_machine.travel(utcnow() + timedelta(hours=hours), tick=True):
            drain()

    assert ended(forked(drain_elsewhen)) == 0
    fresh(session)
    if db.engine().dialect.name == "postgresql":
        assert (due.status, later.status) == (SENT, QUEUED)
    else:
        # SQLite has no clock but this machine's: a jump moves what is due, it neither loses nor doubles.
        assert {due.status, later.status} <= {SENT, QUEUED}
    ended(forked(drain))
    assert counts(session)[SENT] >= 1
    assert len(smtp.mails) == len(set(smtp.mails)) == counts(session)[SENT]


def together(work: Callable[[], object], times: int = 8) -> list[object]:
    """Runs `work` in so many threads that begin at the same moment."""
    barrier, results = threading.Barrier(times), []

    def run() -> None:
        barrier.wait()
        results.append(work())

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == times
    return results


def in_own_session(work: Callable[[Session], object]) -> object:
    with db.session_scope() as own:
        return work(own)


def test_row_24_the_sweeps_run_eight_times_at_once(
    config: OutboundConfig, queue: Queue, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, overdue = queue(), queue(send_at=utcnow() + timedelta(hours=1))
    crash_at("before_the_wire", monkeypatch)
    session.execute(update(Message).where(Message.id == held.id).values(lease_until=utcnow() - timedelta(hours=1)))
    session.execute(update(Message).where(Message.id == overdue.id).values(expires_at=utcnow() - timedelta(seconds=1)))
    open_alert(
        session,
        workspace_id=config.workspace_id,
        subject_key=f"outbound:{config.id}",
        subject_label=config.name,
        cause="mail_stopped",
        title="Mail has stopped",
        explanation={},
        fix_path="/",
        notify_address=config.alerts_address,
    )
    session.commit()
    results = together(lambda: in_own_session(sweeping.sweep))
    together(lambda: in_own_session(sweep_alerts))
    assert [sum(getattr(one, name) for one in results) for name in ("recovered", "expired")] == [1, 1]
    fresh(session)
    assert (held.crash_count, len(held.attempts), overdue.status) == (1, 1, "expired")
    assert len(session.scalars(select(AlertNotice)).all()) == 1


def test_row_25_the_schema_grows_while_old_workers_run(
    config: object, queue: Queue, smtp: Server, session: Session, valkey: ValkeyServer
) -> None:
    for _ in range(30):
        queue()
    smtp.hold.clear()
    old_worker = forked(drain)
    assert smtp.got_mail.wait(10)
    with db.session_scope() as own:
        own.execute(text("ALTER TABLE messages ADD COLUMN later_feature VARCHAR(10)"))
        own.execute(text("CREATE TABLE later_table (id INTEGER PRIMARY KEY)"))
    smtp.hold.set()
    try:
        assert ended(old_worker) == 0
        queues.queue("mail").enqueue("mailsetup.outbox.jobs.drain_v2", "an id")
        queue()
        assert ended(forked(serve)) == 0
        assert counts(session) == {SENT: 31}
        assert len(set(smtp.mails)) == len(smtp.mails) == 31
    finally:
        session.commit()
        with db.session_scope() as own:
            own.execute(text("ALTER TABLE messages DROP COLUMN later_feature"))
            own.execute(text("DROP TABLE later_table"))


@pytest.fixture
def old_mail(config: object, queue: Queue, session: Session) -> dict[str, Message]:
    """Mail that ended long ago, and mail as old that has not ended."""
    rows = {name: queue() for name in (SENT, FAILED, SENDING)}
    long_ago = utcnow() - retention.usual("bodies") - timedelta(days=2)
    for name, row in rows.items():
        ended_at = None if name == SENDING else long_ago
        session.execute(update(Message).where(Message.id == row.id).values(status=name, finished_at=ended_at))
    session.commit()
    return rows


def test_row_26_retention_meets_mail_that_is_sent_again(
    old_mail: dict[str, Message], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forget, "first_id_at", lambda _when: new_id())
    purge, answers = bodies.purge, []
    revived, wanted = threading.Event(), old_mail[FAILED].id

    def send_again() -> None:
        with db.session_scope() as own, contextlib.suppress(Conflict):
            actions.retry(own, own.get_one(Message, wanted), actor=SYSTEM)
            answers.append("goes out once more")
        revived.set()

    def purge_late(own: Session, chosen: list[uuid.UUID]) -> int:
        # Between the choice and the deletion somebody asks for the mail to be sent again.
        threading.Thread(target=send_again).start()
        revived.wait(0.5)
        return purge(own, chosen)

    monkeypatch.setattr(bodies, "purge", purge_late)
    swept(session)
    assert revived.wait(10)
    kept = set(session.scalars(select(MessageBody.message_id)))
    assert old_mail[SENDING].id in kept
    assert old_mail[SENT].id not in kept
    assert bool(answers) == (wanted in kept)
