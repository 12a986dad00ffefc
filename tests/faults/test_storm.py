"""Row 56: a storm of failures is one alert with an exact count, and three notices at most."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, inspect, select
from sqlalchemy.orm import Session

from mailsetup.alerts.jobs import send_notices
from mailsetup.alerts.models import SENT, Alert, AlertNotice
from mailsetup.core import db, stopping
from mailsetup.core.ids import new_id
from mailsetup.core.redact import Secret
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import bodies, early_signs, queue_mail
from mailsetup.outbox.drain import Drain
from mailsetup.outbox.models import FAILED, Message
from mailsetup.workspaces.models import Workspace
from tests.alerts.conftest import Sink, sink, sink_port
from tests.faults.upkeep import counts, fresh
from tests.outbox.conftest import mail
from tests.outbox.smtp_server import Server

__all__ = ["sink", "sink_port"]

MINUTE = timedelta(seconds=60)
# How often the scheduler looks, and never in fewer turns than there are mails to refuse.
LOOKS_EVERY = 15.0


class Always(list[str]):
    """A script with one answer that never runs out."""

    def pop(self, _index: Any = -1) -> str:
        return self[0]


@pytest.fixture
def settings_changes(sink_port: int) -> dict[str, Any]:
    return {"operator_smtp_url": Secret(f"smtp://127.0.0.1:{sink_port}?tls=none")}


def queue_many(workspace: Workspace, number: int) -> None:
    """The first through the door, the others as copies of its row: what is measured is how they fail."""
    with db.session_scope() as own:
        first = queue_mail(own, own.get_one(Workspace, workspace.id), mail())
        content = bodies.read(own, workspace.id, first.id)
        row = {name: getattr(first, name) for name in inspect(Message).column_attrs.keys()}  # noqa: SIM118
    for start in range(1, number, 1000):
        with db.session_scope() as own:
            rows = [{**row, "id": new_id()} for _ in range(min(1000, number - start))]
            own.execute(insert(Message), rows)
            for copy in rows:
                bodies.store(own, workspace.id, copy["id"], content)


def look_and_tell() -> None:
    """What the scheduler and the worker of alerts do."""
    with db.session_scope() as own:
        early_signs.watch(own)
    send_notices()


def refuse_all(session: Session) -> None:
    """Workers run until every mail was refused, while scheduler and alerts go on beside them."""
    session.commit()
    stopping._asked.clear()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOKS_EVERY):
            look_and_tell()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        while set(counts(session)) != {FAILED}:
            Drain(4, slice_seconds=60).run()
    finally:
        over.set()
        thread.join()
    look_and_tell()


def storm(session: Session, workspace: Workspace, smtp: Server, number: int) -> Alert:
    smtp.answers["RCPT"] = Always(["550 5.7.1 refused by policy"])
    queue_many(workspace, number)
    refuse_all(session)
    for _ in range(3):
        look_and_tell()
    fresh(session)
    return session.scalars(select(Alert).where(Alert.cause == early_signs.FALLING)).one()


def notices_sent(session: Session) -> list[AlertNotice]:
    return list(session.scalars(select(AlertNotice).where(AlertNotice.state == SENT).order_by(AlertNotice.sent_at)))


def check(session: Session, alert: Alert, sink: Sink, number: int) -> None:
    assert (alert.count, counts(session)) == (number, {FAILED: number})
    first_failure = session.scalar(select(func.min(Message.finished_at)))
    notices = notices_sent(session)
    assert 1 <= len(sink.mails) == len(notices) <= 3
    assert first_failure is not None
    # On a slow machine the queue grows old too: that is another cause, and still no more than three in all.
    told = next(notice.sent_at for notice in notices if notice.alert_id == alert.id and notice.sent_at)
    assert told - first_failure <= MINUTE


def test_row_56_a_small_storm_is_one_alert(
    config: OutboundConfig,
    workspace: Workspace,
    smtp: Server,
    sink: Sink,
    session: Session,
) -> None:
    check(session, storm(session, workspace, smtp, 120), sink, 120)


@pytest.mark.timeout(1800)
def test_row_56_a_hundred_thousand_failures_are_one_alert(
    config: OutboundConfig,
    workspace: Workspace,
    smtp: Server,
    sink: Sink,
    session: Session,
) -> None:
    check(session, storm(session, workspace, smtp, 100_000), sink, 100_000)
