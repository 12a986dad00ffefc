"""The only writer of AuditEvent."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from mailsetup.workspaces.models import AuditEvent


@dataclass(frozen=True)
class Actor:
    """Who acts: a user, an API key or the product itself; `label` is what people read."""

    label: str
    user_id: uuid.UUID | None = None


SYSTEM = Actor("mailsetup")


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
    session.add(
        AuditEvent(
            workspace_id=workspace_id,
            actor_id=actor.user_id,
            actor_label=actor.label,
            action=action,
            subject=subject[:200],
            subject_id=str(subject_id),
            detail=detail,
        )
    )
