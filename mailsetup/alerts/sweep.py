"""What the scheduler asks of alerts every few seconds: nothing due is forgotten, nothing open goes quiet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from mailsetup.alerts.claim import due_ids, release_stale
from mailsetup.alerts.models import ERROR, REMINDED, Alert
from mailsetup.alerts.notices import JOB, write_notices
from mailsetup.alerts.recipients import recipients
from mailsetup.core.clock import utcnow
from mailsetup.core.queues import enqueue_after_commit

REMIND_AFTER = timedelta(hours=24)
BATCH = 100


@dataclass(frozen=True)
class SweepResult:
    """What one sweep found to do."""

    released: int
    reminded: int
    rung: bool


def sweep(session: Session) -> SweepResult:
    """Takes back what died while sending, writes reminders, rings for what is due. The caller commits."""
    released = release_stale(session)
    reminded = _remind(session)
    due = bool(due_ids(session, limit=1))
    if due:
        enqueue_after_commit(session, JOB)
    return SweepResult(released, reminded, due)


def _remind(session: Session) -> int:
    """A reminder for what has been open for a day without a word since; warnings do not nag."""
    quiet_since = func.coalesce(Alert.reminded_at, Alert.opened_at)
    now = utcnow()
    overdue = (
        (Alert.resolved_at.is_(None) & (Alert.severity == ERROR))
        & (quiet_since <= now - REMIND_AFTER)
        & Alert.acknowledged_at.is_(None)
        & (Alert.snoozed_until.is_(None) | (Alert.snoozed_until <= now))
    )
    alerts = session.scalars(select(Alert).where(overdue).limit(BATCH)).all()
    reminded = 0
    for alert in alerts:
        # Of two schedulers only one changes the row, and only that one writes the notices.
        mine = update(Alert).where(Alert.id == alert.id, overdue).values(reminded_at=utcnow())
        done = session.execute(mine, execution_options={"synchronize_session": False})
        if isinstance(done, CursorResult) and done.rowcount == 1:
            write_notices(session, alert, REMINDED, recipients(session, alert))
            reminded += 1
    return reminded
