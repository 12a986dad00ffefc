"""Opens and resolves alerts: one open row for each subject and cause, whatever happens at the same time."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, NotRequired, TypedDict, Unpack

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from mailsetup.alerts.models import OPENED, REMINDED, RESOLVED, Alert, AlertNotice
from mailsetup.alerts.notices import write_notices
from mailsetup.alerts.routes import recipients, unique_addresses
from mailsetup.core.clock import utcnow
from mailsetup.core.ids import new_id

_KEY = ("workspace_id", "subject_key", "cause")
_STILL_OPEN = Alert.resolved_at.is_(None)
_LIMITS = {"subject_key": 80, "subject_label": 200, "cause": 80, "title": 300, "fix_path": 300}
_REFRESHED = ("subject_label", "severity", "title", "explanation", "fix_path", "notify_address", "waiting")


class AlertFacts(TypedDict):
    """What is wrong, with whom, what to do, and who is told; `waiting` mails are held back by it."""

    workspace_id: uuid.UUID
    subject_key: str
    subject_label: str
    cause: str
    title: str
    explanation: dict[str, Any]
    fix_path: str
    notify_address: str
    severity: NotRequired[str]
    waiting: NotRequired[int]


def open_alert(session: Session, **facts: Unpack[AlertFacts]) -> Alert:
    """Opens an alert and tells whoever should know; one that is open already is counted up and tells nobody."""
    row: dict[str, Any] = {"severity": "error", "waiting": 0, **facts, "id": new_id()}
    for name in ("subject_key", "subject_label", "cause", "title", "fix_path"):
        row[name] = row[name][: _LIMITS[name]]
    alert = _insert_or_count(session, row)
    if alert.id == row["id"]:
        write_notices(session, alert, OPENED, recipients(session, alert))
    return alert


def _insert_or_count(session: Session, facts: dict[str, Any]) -> Alert:
    """One statement on either database, so that a storm of failures neither races nor fails."""
    now = utcnow()
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    inserted = dialect.insert(Alert).values(**facts, count=1, opened_at=now, last_seen_at=now)
    refreshed = {name: inserted.excluded[name] for name in _REFRESHED}
    counted = inserted.on_conflict_do_update(
        index_elements=_KEY,
        index_where=_STILL_OPEN,
        set_={**refreshed, "count": Alert.count + 1, "last_seen_at": now},
    )
    alert: Alert = session.scalars(counted.returning(Alert), execution_options={"populate_existing": True}).one()
    return alert


def resolve_alerts(
    session: Session,
    *,
    workspace_id: uuid.UUID,
    subject_key: str,
    resolution: str,
    cause: str | None = None,
    waiting: int = 0,
) -> list[Alert]:
    """Ends the subject's open alerts and tells everyone who was told; `waiting` mails leave now."""
    ended = update(Alert).where(
        Alert.workspace_id == workspace_id, Alert.subject_key == subject_key, Alert.resolved_at.is_(None)
    )
    if cause is not None:
        ended = ended.where(Alert.cause == cause)
    values = {"resolved_at": utcnow(), "resolution": resolution[:300], "waiting": waiting}
    alerts = session.scalars(
        ended.values(**values).returning(Alert),
        execution_options={"populate_existing": True, "synchronize_session": False},
    )
    resolved = list(alerts)
    for alert in resolved:
        write_notices(session, alert, RESOLVED, _told(session, alert))
    return resolved


def _told(session: Session, alert: Alert) -> Iterable[str]:
    wanted = select(AlertNotice.target).where(
        AlertNotice.alert_id == alert.id, AlertNotice.event.in_((OPENED, REMINDED))
    )
    return unique_addresses(session.scalars(wanted.order_by(AlertNotice.created_at, AlertNotice.id)))


def open_alerts(session: Session, workspace_id: uuid.UUID) -> list[Alert]:
    """The workspace's open alerts, newest first."""
    wanted = select(Alert).where(Alert.workspace_id == workspace_id, Alert.resolved_at.is_(None))
    return list(session.scalars(wanted.order_by(Alert.opened_at.desc(), Alert.id)))
