"""Many workspaces that stop with one cause are one incident for the operator, whatever each of them is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert
from mailsetup.alerts.open import keep_open, resolve_alerts
from mailsetup.core.clock import utcnow
from mailsetup.outbound.models import BROKEN, OutboundConfig

CAUSE = "many_workspaces"
MANY = 5
WITHIN = timedelta(hours=1)
NAMED = "incident:"


def watch(session: Session) -> int:
    """Opens, refreshes and resolves incidents; how many are open. The caller commits."""
    known = {alert.subject_key.removeprefix(NAMED): alert for alert in session.scalars(_open_now()).all()}
    fresh = {cause for cause, number in _stopped(session, utcnow() - WITHIN).items() if number >= MANY}
    for cause in fresh | known.keys():
        since = (known[cause].opened_at if cause in known else utcnow()) - WITHIN
        number = _stopped(session, since).get(cause, 0)
        if number >= MANY:
            _tell(session, cause, number)
        else:
            resolve_alerts(
                session, workspace_id=None, subject_key=f"{NAMED}{cause}"[:80],
                resolution=f"Fewer than {MANY} workspaces are stopped by it.",
            )  # fmt: skip
    return len(fresh | known.keys())


def _open_now() -> Select[Alert]:
    return select(Alert).where(Alert.workspace_id.is_(None), Alert.cause == CAUSE, Alert.resolved_at.is_(None))


def _stopped(session: Session, since: datetime) -> dict[str, int]:
    """How many workspaces have a setup that was stopped since then, for each cause."""
    workspaces = func.count(OutboundConfig.workspace_id.distinct())
    query = select(OutboundConfig.health_cause, workspaces).where(
        OutboundConfig.health == BROKEN, OutboundConfig.health_since >= since, OutboundConfig.health_cause != ""
    )
    return {row[0]: int(row[1]) for row in session.execute(query.group_by(OutboundConfig.health_cause))}


def _tell(session: Session, cause: str, number: int) -> None:
    one = select(OutboundConfig).where(OutboundConfig.health == BROKEN, OutboundConfig.health_cause == cause)
    example = session.scalars(one.order_by(OutboundConfig.health_since.desc()).limit(1)).one()
    title = f"Mail has stopped in {number} workspaces with one cause: {example.health_reason}"
    told = dict(example.explanation or {})
    explanation: dict[str, Any] = {
        "title": title,
        "explanation": told.get("explanation") or told.get("what") or "",
        "steps": ["See on the operator's page which workspaces it is.", *(told.get("steps") or ())],
        "who": "You first, where the cause is ours",
        "quote": "",
    }
    keep_open(
        session,
        total=number,
        workspace_id=None,
        subject_key=f"{NAMED}{cause}",
        subject_label=f"{number} workspaces",
        cause=CAUSE,
        title=title,
        explanation=explanation,
        fix_path="/operator",
        notify_address="",
    )
