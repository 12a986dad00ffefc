"""The audit trail: its only writer, and its pages."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.ids import new_id
from mailsetup.workspaces import audit_chain
from mailsetup.workspaces.models import AuditEvent


@dataclass(frozen=True)
class Actor:
    """Who acts: a user, an API key or the product itself; `label` is what people read."""

    label: str
    user_id: uuid.UUID | None = None


SYSTEM = Actor("mailsetup")
PAGE = 50
EXPORTED = 50_000


@dataclass(frozen=True)
class AuditChoices:
    """What a page of the trail can be filtered by."""

    actions: list[str]
    people: list[str]


def record(
    session: Session,
    workspace_id: uuid.UUID,
    *,
    actor: Actor,
    action: str,
    subject: str,
    subject_id: uuid.UUID | str = "",
    **detail: Any,
) -> None:
    """Writes who did what, in the caller's transaction; `action` is `thing:verb`; never the value of a secret."""
    event = AuditEvent(
        id=new_id(),
        created_at=utcnow(),
        workspace_id=workspace_id,
        actor_id=actor.user_id,
        actor_label=actor.label,
        action=action,
        subject=subject[:200],
        subject_id=str(subject_id),
        detail=detail,
    )
    audit_chain.append(session, event)


@dataclass(frozen=True)
class AuditFilter:
    """Which events a person wants to see; empty fields mean all."""

    action: str = ""
    person: str = ""


def list_events(
    session: Session, workspace_id: uuid.UUID, wanted: AuditFilter, *, before: uuid.UUID | None = None
) -> tuple[list[AuditEvent], uuid.UUID | None]:
    """A page of events, newest first, and where the next page begins."""
    query = _matching(workspace_id, wanted)
    # Ids are ordered by time, so the id of the last row shown is the cursor.
    query = query.where(AuditEvent.id < before) if before else query
    rows = list(session.scalars(query.order_by(AuditEvent.id.desc()).limit(PAGE + 1)))
    return rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None


def all_events(session: Session, workspace_id: uuid.UUID, wanted: AuditFilter) -> list[AuditEvent]:
    """What an export holds: newest first, the newest 50,000."""
    return list(session.scalars(_matching(workspace_id, wanted).order_by(AuditEvent.id.desc()).limit(EXPORTED)))


def _matching(workspace_id: uuid.UUID, wanted: AuditFilter) -> Select[AuditEvent]:
    query = select(AuditEvent).where(AuditEvent.workspace_id == workspace_id)
    for column, value in ((AuditEvent.action, wanted.action), (AuditEvent.actor_label, wanted.person)):
        query = query.where(column == value) if value else query
    return query


def audit_choices(session: Session, workspace_id: uuid.UUID) -> AuditChoices:
    """The actions and people that occur in the workspace's trail."""
    found = (
        session.scalars(select(column).where(AuditEvent.workspace_id == workspace_id).distinct().order_by(column))
        for column in (AuditEvent.action, AuditEvent.actor_label)
    )
    return AuditChoices(*(list(values) for values in found))
