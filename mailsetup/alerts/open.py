"""Opens and resolves alerts: one open row for each subject and cause, whatever happens at the same time."""

from __future__ import annotations

import uuid
from typing import Any, NotRequired, TypedDict, Unpack

import structlog
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from mailsetup.alerts.models import ERROR, OPENED, RESOLVED, Alert
from mailsetup.alerts.notices import write_notices
from mailsetup.alerts.recipients import recipients, who_was_told
from mailsetup.core import walls
from mailsetup.core.clock import utcnow
from mailsetup.core.ids import new_id
from mailsetup.workspaces.models import Workspace

log = structlog.get_logger(__name__)

_KEY = ("workspace_id", "subject_key", "cause")
_KEY_FOR_ALL = ("subject_key", "cause")
UNTOLD = "nobody_told"
_UNTOLD: dict[str, Any] = {
    "title": "Nobody in the workspace could be told",
    "explanation": "An alert of this workspace reached nobody: no address is named, or every way to tell failed.",
    "steps": ["Tell the owner of the workspace by another way.", "Ask for an alerts address that works."],
    "who": "You, who runs this installation",
}
_STILL_OPEN = Alert.resolved_at.is_(None)
_OPEN_FOR_ALL = Alert.resolved_at.is_(None) & Alert.workspace_id.is_(None)
_LIMITS = {"subject_key": 80, "subject_label": 200, "cause": 80, "title": 300, "fix_path": 300}
_REFRESHED = ("subject_label", "severity", "title", "explanation", "fix_path", "notify_address", "waiting")


class AlertFacts(TypedDict):
    """What is wrong, with whom, what to do, and who is told; `waiting` mails are held back by it.

    No workspace means that it concerns the whole installation. `times` is how often it happened since it was last
    said, and `depth` is 1 for an alert about alerting.
    """

    workspace_id: uuid.UUID | None
    subject_key: str
    subject_label: str
    cause: str
    title: str
    explanation: dict[str, Any]
    fix_path: str
    notify_address: str
    severity: NotRequired[str]
    waiting: NotRequired[int]
    times: NotRequired[int]
    depth: NotRequired[int]


def open_alert(session: Session, **facts: Unpack[AlertFacts]) -> Alert:
    """Opens an alert and tells whoever should know; one that is open already is counted up and tells nobody."""
    row: dict[str, Any] = {"severity": ERROR, "waiting": 0, "depth": 0, **facts, "id": new_id()}
    row["count"] = row.pop("times", 1)
    for name in _LIMITS:
        row[name] = row[name][: _LIMITS[name]]
    alert = _insert_or_count(session, row)
    if alert.id == row["id"]:
        told = write_notices(session, alert, OPENED, recipients(session, alert))
        if not told and alert.depth == 0:
            tell_operator(session, alert)
    return alert


def keep_open(session: Session, *, total: int, **facts: Unpack[AlertFacts]) -> Alert:
    """For what is looked at again and again: opens the alert or refreshes it, and its count becomes `total`."""
    facts["times"] = 0
    alert = open_alert(session, **facts)
    alert.count = total
    return alert


def tell_operator(session: Session, alert: Alert) -> None:
    """The last resort, where the workspace has nobody who could be told: the operator hears which it is."""
    if alert.workspace_id is None:
        log.error("alert_reached_nobody", alert=str(alert.id), cause=alert.cause)
        return
    workspace = session.get_one(Workspace, alert.workspace_id)
    # A web request sees one workspace, and this alert is none's.
    with walls.across(session):
        open_alert(
            session,
            workspace_id=None,
            subject_key=untold_key(alert.workspace_id),
            subject_label=workspace.name,
            cause=UNTOLD,
            title=f"Nobody in “{workspace.name}” could be told: {alert.title}"[:300],
            explanation=_UNTOLD | {"explanation": f"{_UNTOLD['explanation']} It is about: {alert.title}"},
            fix_path="/operator",
            notify_address="",
            depth=1,
        )


def untold_key(workspace_id: uuid.UUID) -> str:
    """The subject of the operator's alert about a workspace in which nobody could be told."""
    return f"untold:{workspace_id}"


def _insert_or_count(session: Session, facts: dict[str, Any]) -> Alert:
    """One statement on either database, so that a storm of failures neither races nor fails."""
    now = utcnow()
    for_all = facts["workspace_id"] is None
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    inserted = dialect.insert(Alert).values(**facts, opened_at=now, last_seen_at=now)
    refreshed = {name: inserted.excluded[name] for name in _REFRESHED}
    counted = inserted.on_conflict_do_update(
        index_elements=_KEY_FOR_ALL if for_all else _KEY,
        index_where=_OPEN_FOR_ALL if for_all else _STILL_OPEN,
        set_={**refreshed, "count": Alert.count + inserted.excluded.count, "last_seen_at": now},
    )
    alert: Alert = session.scalars(counted.returning(Alert), execution_options={"populate_existing": True}).one()
    return alert


def count_repeats(
    session: Session, *, workspace_id: uuid.UUID | None, subject_key: str, cause: str, times: int = 1
) -> bool:
    """Adds repeats to an alert that is open, and nothing else of it; False when none is."""
    mine = update(Alert).where(
        Alert.workspace_id == workspace_id,
        Alert.subject_key == subject_key,
        Alert.cause == cause,
        Alert.resolved_at.is_(None),
    )
    counted = mine.values(count=Alert.count + times, last_seen_at=utcnow())
    return bool(session.connection().execute(counted).rowcount)


def resolve_alerts(
    session: Session,
    *,
    workspace_id: uuid.UUID | None,
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
        write_notices(session, alert, RESOLVED, who_was_told(session, alert))
    return resolved


def open_alerts(session: Session, workspace_id: uuid.UUID | None) -> list[Alert]:
    """The workspace's open alerts, or those that concern the whole installation, newest first."""
    wanted = select(Alert).where(Alert.workspace_id == workspace_id, Alert.resolved_at.is_(None))
    return list(session.scalars(wanted.order_by(Alert.opened_at.desc(), Alert.id)))
