"""Deletes mail whose time to be kept is over: first what it says, much later that it ever was."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from mailsetup.core.ids import first_id_at
from mailsetup.outbox import bodies
from mailsetup.outbox.models import TERMINAL, Message, MessageBody
from mailsetup.workspaces import retention

AT_ONCE = 500


def forget(session: Session, now: datetime) -> int:
    """Deletes a batch of each; how many mails lost their content. What is left names who and when."""
    before = now - retention.usual("bodies")
    purged = _purge(session, MessageBody.message_id < first_id_at(before), Message.finished_at < before)
    before = now - retention.usual("messages")
    _delete(session, Message.id < first_id_at(before), Message.finished_at < before)
    retention.shorten(session, "bodies", now, _purge_of)
    retention.shorten(session, "messages", now, _delete_of)
    return purged


def _purge_of(session: Session, workspace_id: uuid.UUID, since: datetime, until: datetime) -> bool:
    return _purge(session, *_ended(workspace_id, since, until)) == AT_ONCE


def _delete_of(session: Session, workspace_id: uuid.UUID, since: datetime, until: datetime) -> bool:
    return _delete(session, *_ended(workspace_id, since, until)) == AT_ONCE


def _ended(workspace_id: uuid.UUID, since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    return Message.workspace_id == workspace_id, Message.finished_at >= since, Message.finished_at < until


def _purge(session: Session, *conditions: ColumnElement[bool]) -> int:
    over = (
        select(MessageBody.message_id)
        .join(Message, Message.id == MessageBody.message_id)
        .where(Message.status.in_(TERMINAL), *conditions)
        .limit(AT_ONCE)
        # Locked: a mail that is sent again at this moment either keeps its content or is told that it is gone.
        .with_for_update(of=Message, skip_locked=True)
    )
    return bodies.purge(session, list(session.scalars(over)))


def _delete(session: Session, *conditions: ColumnElement[bool]) -> int:
    over = select(Message.id).where(Message.status.in_(TERMINAL), *conditions).limit(AT_ONCE)
    ids = list(session.scalars(over.with_for_update(skip_locked=True)))
    return session.connection().execute(delete(Message).where(Message.id.in_(ids))).rowcount if ids else 0
