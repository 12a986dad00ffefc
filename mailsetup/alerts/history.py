"""What the alerts pages show: what is open, what was, and whether telling worked."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from mailsetup.alerts.models import FAILED, Alert, AlertNotice
from mailsetup.core.clock import utcnow

PAGE = 50
FRESH = timedelta(hours=24)


@dataclass(frozen=True)
class HistoryPage:
    """Some resolved alerts, newest first, and where the next page begins."""

    alerts: list[Alert]
    next_cursor: str | None


def open_with_notices(session: Session, workspace_id: uuid.UUID | None) -> list[Alert]:
    """The open alerts with their notices, newest first."""
    wanted = select(Alert).where(Alert.workspace_id == workspace_id, Alert.resolved_at.is_(None))
    ordered = wanted.order_by(Alert.opened_at.desc(), Alert.id).options(selectinload(Alert.notices))
    return list(session.scalars(ordered))


def resolved_page(session: Session, workspace_id: uuid.UUID | None, cursor: str = "") -> HistoryPage:
    """Resolved alerts in the order they were opened, newest first; ids are made in that order."""
    wanted = select(Alert).where(Alert.workspace_id == workspace_id, Alert.resolved_at.is_not(None))
    start = _parsed(cursor)
    if start is not None:
        wanted = wanted.where(Alert.id < start)
    ordered = wanted.order_by(Alert.id.desc()).limit(PAGE + 1).options(selectinload(Alert.notices))
    found = list(session.scalars(ordered))
    return HistoryPage(found[:PAGE], str(found[PAGE - 1].id) if len(found) > PAGE else None)


def _parsed(cursor: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(cursor) if cursor else None
    except ValueError:
        return None


def failed_notices(session: Session, workspace_id: uuid.UUID | None) -> list[AlertNotice]:
    """Notices of the last 24 hours that reached nobody, newest first."""
    wanted = select(AlertNotice).where(
        AlertNotice.workspace_id == workspace_id,
        AlertNotice.state == FAILED,
        AlertNotice.created_at > utcnow() - FRESH,
    )
    return list(session.scalars(wanted.order_by(AlertNotice.created_at.desc())))


def card_of(alert: Alert) -> dict[str, Any]:
    """The alert's explanation as the explanation card wants it."""
    stored = alert.explanation or {}
    return {
        "title": stored.get("title") or alert.title,
        "explanation": stored.get("explanation") or stored.get("what") or "",
        "steps": list(stored.get("steps") or ()),
        "who": stored.get("who") or "",
        "quote": stored.get("quote") or stored.get("raw") or "",
    }
