"""Which setups have mail that is due and may send it now.

Never scans the queue: it steps from one setup with queued mail to the next through the index, so the cost
is that of the setups looked at, however much mail waits (reference: "loose index scan").
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CTE, ColumnElement, ScalarSelect, and_, exists, literal, literal_column, not_, or_, select
from sqlalchemy.orm import Session, aliased

from mailsetup.outbound.models import SENDING_STATES, Mailbox, MailHost, OutboundConfig
from mailsetup.outbox.models import PRIORITIES, Message

STEP = 200
# A setup with no more due mails than this is served together with others like it.
FEW = 4
# Spelled out, not bound: only then do both databases use the index over queued mail alone.
IS_QUEUED: ColumnElement[bool] = Message.status == literal_column("'queued'")
IS_HELD: ColumnElement[bool] = Message.status.in_([literal_column("'claimed'"), literal_column("'sending'")])
_box, _host = aliased(Mailbox), aliased(MailHost)


@dataclass(frozen=True)
class Ready:
    """A setup with due mail."""

    config_id: uuid.UUID
    workspace_id: uuid.UUID
    kind: str
    few: bool = False


def may_send(now: datetime) -> ColumnElement[bool]:
    """Whether mail leaves through a setup now: it is healthy, its mailbox is not paused, its server not away."""
    free = or_(OutboundConfig.blocked_until.is_(None), OutboundConfig.blocked_until <= now)
    box = exists().where(_box.key == OutboundConfig.mailbox_key, _box.paused_until > now)
    host = exists().where(_host.key == OutboundConfig.host_key, _host.paused_until > now)
    return and_(OutboundConfig.health.in_(SENDING_STATES), free, not_(box), not_(host))


def ready_setups(session: Session, now: datetime, *, after: uuid.UUID | None) -> tuple[list[Ready], uuid.UUID | None]:
    """The next setups, in order of id after `after`, and where to go on; None when this was the last of them."""
    steps = _steps(after)
    visited = list(session.scalars(select(steps.c.config_id).where(steps.c.config_id.is_not(None))))
    if not visited:
        return [], None
    query = select(OutboundConfig.id, OutboundConfig.workspace_id, OutboundConfig.kind, _has_few(now)).where(
        OutboundConfig.id.in_(visited), may_send(now), has_due(OutboundConfig.id, now)
    )
    found = [Ready(*row) for row in session.execute(query.order_by(OutboundConfig.id))]
    return found, visited[-1] if len(visited) == STEP else None


def has_due(config_id: ColumnElement[uuid.UUID] | object, now: datetime) -> ColumnElement[bool]:
    """Whether a setup has mail that is due."""
    return exists().where(*_due(config_id, now))


def _has_few(now: datetime) -> ColumnElement[bool]:
    """Whether it has no more than a few; looks at one more than these, however many there are."""
    more = select(literal(1)).select_from(Message).where(*_due(OutboundConfig.id, now)).correlate(OutboundConfig)
    return not_(more.offset(FEW).limit(1).exists())


def _due(config_id: ColumnElement[uuid.UUID] | object, now: datetime) -> tuple[ColumnElement[bool], ...]:
    known = Message.priority.in_(PRIORITIES.values())
    return Message.config_id == config_id, IS_QUEUED, known, Message.next_attempt_at <= now


def priorities_due(config_id: uuid.UUID, now: datetime) -> list[ColumnElement[bool]]:
    """For each priority, under the name `due_0` and so on, whether the setup has such mail that is due."""
    return [_of_priority(config_id, now, priority).label(f"due_{priority}") for priority in PRIORITIES.values()]


def _of_priority(config_id: uuid.UUID, now: datetime, priority: int) -> ColumnElement[bool]:
    mine = Message.config_id == config_id, IS_QUEUED, Message.priority == priority
    return exists().where(*mine, Message.next_attempt_at <= now, Message.crash_count == 0)


def _steps(after: uuid.UUID | None) -> CTE:
    first = select(_next_config(after).label("config_id"), literal(1).label("step"))
    steps = first.cte("steps", recursive=True)
    onward = select(_next_config(steps.c.config_id), steps.c.step + 1).where(
        steps.c.config_id.is_not(None), steps.c.step < STEP
    )
    return steps.union_all(onward)


def _next_config(after: ColumnElement[uuid.UUID] | uuid.UUID | None) -> ScalarSelect[uuid.UUID | None]:
    other = aliased(Message)
    query = select(other.config_id).where(other.status == literal_column("'queued'"), other.config_id.is_not(None))
    if after is not None:
        query = query.where(other.config_id > after)
    return query.order_by(other.config_id).limit(1).scalar_subquery()
