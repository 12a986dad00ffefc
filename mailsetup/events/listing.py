"""What the pages of webhooks show."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from mailsetup.events.models import PENDING, STATES, EventDelivery, EventEndpoint

PAGE = 50


@dataclass(frozen=True)
class DeliveriesPage:
    """Some events, newest first, and where the next page begins."""

    rows: list[EventDelivery]
    next_cursor: str | None

    @property
    def under_way(self) -> bool:
        """Whether one of them may have changed in a moment."""
        return any(row.state == PENDING for row in self.rows)


def deliveries_page(session: Session, endpoint: EventEndpoint, *, state: str, cursor: str) -> DeliveriesPage:
    """A page of the events of one endpoint."""
    wanted = select(EventDelivery).where(EventDelivery.endpoint_id == endpoint.id)
    if state:
        wanted = wanted.where(EventDelivery.state == state)
    start = _parsed(cursor)
    if start is not None:
        wanted = wanted.where(EventDelivery.id < start)
    rows = list(session.scalars(wanted.order_by(EventDelivery.id.desc()).limit(PAGE + 1)))
    return DeliveriesPage(rows[:PAGE], str(rows[PAGE - 1].id) if len(rows) > PAGE else None)


def _parsed(cursor: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(cursor) if cursor else None
    except ValueError:
        return None


def count_states(session: Session, endpoint: EventEndpoint) -> dict[str, int]:
    """How many events are in each state."""
    query = select(EventDelivery.state, func.count()).where(EventDelivery.endpoint_id == endpoint.id)
    return dict.fromkeys(STATES, 0) | _counted(session, query.group_by(EventDelivery.state))


def count_waiting(session: Session, endpoint_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many events wait for each of these endpoints."""
    query = select(EventDelivery.endpoint_id, func.count()).where(
        EventDelivery.endpoint_id.in_(endpoint_ids), EventDelivery.state == PENDING
    )
    found = _counted(session, query.group_by(EventDelivery.endpoint_id)) if endpoint_ids else {}
    return dict.fromkeys(endpoint_ids, 0) | found


def _counted(session: Session, query: Select[Any, int]) -> dict[Any, int]:
    return {row[0]: row[1] for row in session.execute(query)}
