"""What a person does about an open alert: takes it on, asks for quiet, closes it."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from mailsetup.alerts.models import PENDING, REMINDED, SKIPPED, Alert, AlertNotice
from mailsetup.alerts.open import resolve_alerts
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import Conflict, InvalidInput
from mailsetup.workspaces import audit
from mailsetup.workspaces.audit import Actor

SNOOZES = {"1": "an hour", "4": "4 hours", "24": "a day", "72": "3 days"}
_OVER = "This alert is over already, so there is nothing left to do about it."


def acknowledge(session: Session, alert: Alert, *, actor: Actor) -> None:
    """Somebody is at it: no reminders any more, the end is still told. Raises Conflict when it is over."""
    _change(session, alert, acknowledged_at=utcnow(), acknowledged_by=actor.label[:254])
    _drop_reminders(session, alert)
    _note(session, alert, actor, "acknowledge")


def snooze(session: Session, alert: Alert, *, actor: Actor, hours: str) -> None:
    """No word about it for so long. Raises InvalidInput, Conflict when it is over."""
    if hours not in SNOOZES:
        raise InvalidInput({"hours": "Choose from the list how long it shall be quiet."})
    _change(session, alert, snoozed_until=utcnow() + timedelta(hours=int(hours)))
    _drop_reminders(session, alert)
    _note(session, alert, actor, "snooze", hours=hours)


def close(session: Session, alert: Alert, *, actor: Actor) -> None:
    """A person says that it is over; it opens again if it happens again. Raises Conflict when it is over."""
    ended = resolve_alerts(
        session,
        workspace_id=alert.workspace_id,
        subject_key=alert.subject_key,
        cause=alert.cause,
        resolution=f"Closed by {actor.label}.",
    )
    if not ended:
        raise Conflict(_OVER)
    _note(session, alert, actor, "close")


def _change(session: Session, alert: Alert, **values: object) -> None:
    mine = update(Alert).where(Alert.id == alert.id, Alert.resolved_at.is_(None)).values(**values)
    done = session.execute(mine, execution_options={"synchronize_session": "fetch"})
    if not isinstance(done, CursorResult) or not done.rowcount:
        raise Conflict(_OVER)


def _drop_reminders(session: Session, alert: Alert) -> None:
    waiting = update(AlertNotice).where(
        AlertNotice.alert_id == alert.id, AlertNotice.event == REMINDED, AlertNotice.state == PENDING
    )
    session.execute(waiting.values(state=SKIPPED, error="Somebody is at it already."))


def _note(session: Session, alert: Alert, actor: Actor, verb: str, **detail: object) -> None:
    workspace_id: uuid.UUID | None = alert.workspace_id
    if workspace_id is not None:
        audit.record(
            session, workspace_id, actor=actor, action=f"alert:{verb}", subject=alert.title, subject_id=alert.id,
            **detail,
        )  # fmt: skip
