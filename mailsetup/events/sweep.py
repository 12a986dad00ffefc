"""What the scheduler does for events: ring for what is due, give up in the end, forget what is old."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ColumnElement, CursorResult, delete, select, update
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.queues import enqueue_after_commit
from mailsetup.events.claim import due_endpoints
from mailsetup.events.emit import JOB
from mailsetup.events.models import FAILED, PENDING, EventDelivery, EventEndpoint
from mailsetup.workspaces import retention

AT_ONCE = 500


def sweep(session: Session) -> int:
    """Does all three, each to a bounded number of events; how many were given up."""
    given_up = _give_up(session)
    _forget(session)
    if due_endpoints(session, utcnow(), limit=1):
        enqueue_after_commit(session, JOB)
    return given_up


def _give_up(session: Session) -> int:
    """Ends what was tried for three days; a person can send it again."""
    overdue = (
        select(EventDelivery.id)
        .join(EventEndpoint, EventEndpoint.id == EventDelivery.endpoint_id)
        .where(EventDelivery.state == PENDING, EventDelivery.expires_at <= utcnow())
        .limit(AT_ONCE)
    )
    chosen = update(EventDelivery).where(EventDelivery.id.in_(overdue), EventDelivery.state == PENDING)
    ended = {"state": FAILED, "finished_at": utcnow()}
    done = session.execute(chosen.values(**ended), execution_options={"synchronize_session": False})
    return done.rowcount if isinstance(done, CursorResult) else 0


def _forget(session: Session) -> None:
    _delete(session, EventDelivery.finished_at < utcnow() - retention.usual("events"))
    retention.shorten(session, "events", utcnow(), _delete_of)


def _delete_of(session: Session, workspace_id: uuid.UUID, since: datetime, until: datetime) -> bool:
    ended = EventDelivery.finished_at >= since, EventDelivery.finished_at < until
    return _delete(session, EventDelivery.workspace_id == workspace_id, *ended) == AT_ONCE


def _delete(session: Session, *conditions: ColumnElement[bool]) -> int:
    old = select(EventDelivery.id).where(*conditions).limit(AT_ONCE)
    done = session.execute(
        delete(EventDelivery).where(EventDelivery.id.in_(old)), execution_options={"synchronize_session": False}
    )
    return done.rowcount if isinstance(done, CursorResult) else 0
