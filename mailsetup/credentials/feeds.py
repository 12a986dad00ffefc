"""The secret address under which a workspace's calendar can be followed: made, replaced, ended."""

from __future__ import annotations

import uuid

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mailsetup.core.errors import NotFound
from mailsetup.credentials.models import CalendarFeed
from mailsetup.workspaces import audit
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.tokens import new_token, token_hash


def feed_of(session: Session, workspace_id: uuid.UUID) -> CalendarFeed | None:
    """The workspace's feed, if there is one."""
    return session.scalar(select(CalendarFeed).where(CalendarFeed.workspace_id == workspace_id))


def make_feed(session: Session, workspace_id: uuid.UUID, *, actor: Actor) -> str:
    """A new secret for the address; the one before stops working. It can be shown now and never again."""
    _drop(session, workspace_id)
    secret = new_token()
    feed = CalendarFeed(workspace_id=workspace_id, secret_hash=token_hash(secret), created_by_id=actor.user_id)
    session.add(feed)
    session.flush()
    audit.record(
        session, workspace_id, actor=actor, action="calendar_feed:create", subject="Calendar", subject_id=feed.id
    )
    return secret


def end_feed(session: Session, workspace_id: uuid.UUID, *, actor: Actor) -> None:
    """The address stops working. Raises NotFound when there is none."""
    feed = feed_of(session, workspace_id)
    if feed is None:
        raise NotFound("this workspace has no calendar address")
    audit.record(
        session, workspace_id, actor=actor, action="calendar_feed:revoke", subject="Calendar", subject_id=feed.id
    )
    _drop(session, workspace_id)


def find_feed(session: Session, secret: str) -> CalendarFeed:
    """The feed behind a secret address. Raises NotFound."""
    wanted = token_hash(secret)
    found = session.scalar(select(CalendarFeed).where(CalendarFeed.secret_hash == wanted)) if wanted else None
    if found is None:
        raise NotFound("no such calendar")
    return found


def _drop(session: Session, workspace_id: uuid.UUID) -> None:
    session.execute(delete(CalendarFeed).where(CalendarFeed.workspace_id == workspace_id))
