"""Tells product code what became of mails: one look-up and one insert a group, nothing where nobody listens."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from mailsetup.events import catalogue
from mailsetup.events.emit import Happening, emit, learn_endpoints
from mailsetup.outbox.models import EXPIRED, FAILED, SENT, UNKNOWN, Message

EVENTS = {
    SENT: catalogue.MESSAGE_SENT,
    FAILED: catalogue.MESSAGE_FAILED,
    EXPIRED: catalogue.MESSAGE_EXPIRED,
    UNKNOWN: catalogue.MESSAGE_UNKNOWN,
}
_COLUMNS = (
    Message.id, Message.status, Message.config_id, Message.recipients, Message.message_metadata,
    Message.idempotency_key, Message.message_id, Message.service_id, Message.possible_duplicate,
    Message.last_explanation, Message.attempt_count,
)  # fmt: skip


def tell(session: Session, workspace_id: uuid.UUID, status: str, ids: Sequence[uuid.UUID], at: datetime) -> None:
    """These mails of one workspace have just got this status; most statuses are nobody's business."""
    if status in EVENTS and ids:
        emit(session, workspace_id, EVENTS[status], lambda: _happenings(session, ids), at=at)


def tell_all(session: Session, status: str, ended: Iterable[tuple[uuid.UUID, uuid.UUID]], at: datetime) -> None:
    """Mails of several workspaces, as (workspace, message)."""
    by_workspace: dict[uuid.UUID, list[uuid.UUID]] = {}
    for workspace_id, message_id in ended:
        by_workspace.setdefault(workspace_id, []).append(message_id)
    if status in EVENTS and len(by_workspace) > 1:
        learn_endpoints(session, by_workspace)
    for workspace_id, ids in by_workspace.items():
        tell(session, workspace_id, status, ids, at)


def _happenings(session: Session, ids: Sequence[uuid.UUID]) -> list[Happening]:
    rows = session.execute(select(*_COLUMNS).where(Message.id.in_(ids)).order_by(Message.id)).mappings()
    return [Happening(f"message:{row['id']}", _data(row)) for row in rows]


def _data(row: RowMapping) -> dict[str, Any]:
    """What the API says of a message too; no content, no subject."""
    told: Mapping[str, Any] = row["last_explanation"] or {}
    return {
        "id": str(row["id"]),
        "status": row["status"],
        "config": str(row["config_id"]) if row["config_id"] else None,
        "recipients": [_recipient(entry) for entry in row["recipients"]],
        "metadata": row["message_metadata"],
        "idempotency_key": row["idempotency_key"],
        "message_id": row["message_id"],
        "service_id": row["service_id"],
        "possible_duplicate": row["possible_duplicate"],
        "attempts": row["attempt_count"],
        "reason": str(told.get("title", "")),
    }


def _recipient(entry: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(entry.get(name) or "") for name in ("address", "state", "code")}
