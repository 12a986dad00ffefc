"""The sealed bytes of a message, kept apart from its row."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from mailsetup.core.crypto import Place
from mailsetup.core.errors import NotFound
from mailsetup.outbox.models import MessageBody, message_bodies
from mailsetup.workspaces import sealing


def place(workspace_id: uuid.UUID, message_id: uuid.UUID) -> Place:
    """Where the bytes of this message belong."""
    return Place(str(workspace_id), MessageBody.__tablename__, str(message_id), "content")


def sealed_row(session: Session, workspace_id: uuid.UUID, message_id: uuid.UUID, content: bytes) -> dict[str, Any]:
    """The bytes of a new message, sealed."""
    sealed = sealing.seal_body(session, place(workspace_id, message_id), content)
    return {"message_id": message_id, "workspace_id": workspace_id, "sealed": sealed}


def store(session: Session, workspace_id: uuid.UUID, message_id: uuid.UUID, content: bytes) -> None:
    """Seals and keeps the bytes of a new message."""
    store_all(session, [sealed_row(session, workspace_id, message_id, content)])


def store_all(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Keeps the sealed bytes of new messages."""
    session.connection().execute(insert(message_bodies), rows)


def replace(session: Session, workspace_id: uuid.UUID, message_id: uuid.UUID, content: bytes) -> None:
    """Seals and keeps other bytes: for a message that was not complete when it was queued."""
    sealed = sealing.seal_body(session, place(workspace_id, message_id), content)
    session.execute(update(MessageBody).where(MessageBody.message_id == message_id).values(sealed=sealed))


def read(session: Session, workspace_id: uuid.UUID, message_id: uuid.UUID) -> bytes:
    """The bytes. Raises NotFound once they were purged, UnsealError when they do not open."""
    query = select(MessageBody.sealed).where(
        MessageBody.message_id == message_id, MessageBody.workspace_id == workspace_id
    )
    return opened(session, workspace_id, message_id, session.scalar(query))


def sealed_of(session: Session, message_ids: list[uuid.UUID]) -> dict[uuid.UUID, bytes]:
    """The sealed bytes of many messages; those that were purged are left out."""
    query = select(MessageBody.message_id, MessageBody.sealed).where(MessageBody.message_id.in_(message_ids))
    return {row.message_id: row.sealed for row in session.connection().execute(query)}


def opened(session: Session, workspace_id: uuid.UUID, message_id: uuid.UUID, sealed: bytes | None) -> bytes:
    """What is inside. Raises NotFound when there is nothing any more, UnsealError when it does not open."""
    if sealed is None:
        raise NotFound("the content of this mail was deleted when its time was over")
    return sealing.unseal_body(session, place(workspace_id, message_id), sealed)


def purge(session: Session, message_ids: list[uuid.UUID]) -> int:
    """Deletes the bytes of these messages; how many there were."""
    result = session.connection().execute(delete(MessageBody).where(MessageBody.message_id.in_(message_ids)))
    return result.rowcount


sealing.register(MessageBody.sealed, lambda row: place(row.workspace_id, row.message_id))
