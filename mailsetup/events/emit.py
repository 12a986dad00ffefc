"""Writes an event for each endpoint that wants it, in the transaction of what happened.

A workspace without an endpoint pays one look-up a group of mails, kept for a second.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Engine, Table, insert, select
from sqlalchemy.orm import Session

from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.core.ids import new_id
from mailsetup.events.models import PENDING, EventDelivery, EventEndpoint

JOB = "mailsetup.events.jobs.deliver_events"
TRIED_FOR = timedelta(days=3)
KNOWN_SECONDS = 1.0
deliveries = cast("Table", EventDelivery.__table__)
Wanted = tuple[uuid.UUID, frozenset[str]]
_known: dict[tuple[Engine, uuid.UUID], tuple[float, tuple[Wanted, ...]]] = {}


@dataclass(frozen=True)
class Happening:
    """What happened to one thing: `subject` names it, `data` is what the receiver reads."""

    subject: str
    data: dict[str, Any]


def emit(
    session: Session,
    workspace_id: uuid.UUID,
    event: str,
    happenings: Callable[[], Iterable[Happening]],
    *,
    at: datetime | None = None,
) -> int:
    """Writes what happened for whoever listens; `happenings` is asked only when somebody does. How many rows."""
    listeners = [endpoint for endpoint, types in _endpoints(session, workspace_id) if event in types]
    if not listeners:
        return 0
    return write(session, workspace_id, event, list(happenings()), listeners=listeners, at=at)


def write(
    session: Session,
    workspace_id: uuid.UUID,
    event: str,
    happened: Sequence[Happening],
    *,
    listeners: Sequence[uuid.UUID],
    at: datetime | None = None,
) -> int:
    """The rows, in one statement."""
    rows = [_row(workspace_id, endpoint, event, one, at or utcnow()) for one in happened for endpoint in listeners]
    if rows:
        session.connection().execute(insert(deliveries), rows)
        queues.enqueue_after_commit(session, JOB)
    return len(rows)


def _row(workspace_id: uuid.UUID, endpoint: uuid.UUID, event: str, one: Happening, at: datetime) -> dict[str, Any]:
    now = utcnow()
    body = {"type": event, "timestamp": at.isoformat(), "data": one.data}
    return {
        "id": new_id(),
        "workspace_id": workspace_id,
        "endpoint_id": endpoint,
        "type": event,
        "subject": one.subject[:80],
        "body": json.dumps(body, separators=(",", ":"), ensure_ascii=False, default=str),
        "state": PENDING,
        "attempts": 0,
        "next_attempt_at": now,
        "expires_at": now + TRIED_FOR,
        "created_at": now,
        "words": "",
        "quote": "",
    }


def _endpoints(session: Session, workspace_id: uuid.UUID) -> tuple[Wanted, ...]:
    engine = session.get_bind().engine
    known = _known.get((engine, workspace_id))
    if known is not None and known[0] > time.monotonic():
        return known[1]
    found = _looked_up(session, [workspace_id])[workspace_id]
    _remember(engine, workspace_id, found)
    return found


def learn_endpoints(session: Session, workspace_ids: Collection[uuid.UUID]) -> None:
    """Who listens in these workspaces, in one look-up, for whoever emits for each of them in turn."""
    engine, now = session.get_bind().engine, time.monotonic()
    unknown = [one for one in workspace_ids if _known.get((engine, one), (0.0, ()))[0] <= now]
    for workspace_id, found in _looked_up(session, unknown).items():
        _remember(engine, workspace_id, found)


def _looked_up(session: Session, workspace_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, tuple[Wanted, ...]]:
    wanted = select(EventEndpoint.workspace_id, EventEndpoint.id, EventEndpoint.types).where(
        EventEndpoint.workspace_id.in_(workspace_ids), EventEndpoint.active, EventEndpoint.deleted_at.is_(None)
    )
    found: dict[uuid.UUID, list[Wanted]] = {workspace_id: [] for workspace_id in workspace_ids}
    for row in session.execute(wanted):
        found[row.workspace_id].append((row.id, frozenset(row.types)))
    return {workspace_id: tuple(endpoints) for workspace_id, endpoints in found.items()}


def _remember(engine: Engine, workspace_id: uuid.UUID, found: tuple[Wanted, ...]) -> None:
    if len(_known) > 10_000:
        _known.clear()
    _known[engine, workspace_id] = time.monotonic() + KNOWN_SECONDS, found


def forget_endpoints() -> None:
    """What was known of endpoints is out of date in this process."""
    _known.clear()
