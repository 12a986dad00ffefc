"""Mail of a setup that is broken goes through another one, where somebody chose that; it comes back when it heals.

Only queued mail moves, and the mail itself stays what it is: same bytes, same Message-ID, same From address. Where it
came from is kept, so that the alert can say how much went out which way. A mail moves once: where the other setup
breaks too, it goes back and waits.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, Update, and_, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from mailsetup.core import queues
from mailsetup.outbound.detours import Detour
from mailsetup.outbound.models import BROKEN, SENDING_STATES, OutboundConfig
from mailsetup.outbox.clock import database_now
from mailsetup.outbox.models import SENT, Message, messages
from mailsetup.outbox.ready import IS_QUEUED

DRAIN = "mailsetup.outbox.jobs.drain"
AT_ONCE = 5_000
log = structlog.get_logger()

_first, _second = aliased(OutboundConfig), aliased(OutboundConfig)


def _carries() -> ColumnElement[bool]:
    """Whether the second setup carries the mail of the first one now."""
    return and_(
        _first.fallback_id == _second.id,
        _first.workspace_id == _second.workspace_id,
        _first.health == BROKEN,
        _second.health.in_(SENDING_STATES),
        func.lower(_first.from_address) == func.lower(_second.from_address),
    )


def carry(session: Session) -> int:
    """Moves what is due to where it can leave, and back what no longer has to go another way; how many mails moved."""
    now = database_now(session)
    returned = _return(session)
    pairs = session.execute(select(_first.id, _second.id).where(_carries()))
    moved = sum(_move(session, first, second, now) for first, second in pairs.all())
    if returned or moved:
        log.info("mail_went_another_way", moved=moved, returned=returned)
        queues.enqueue_after_commit(session, DRAIN)
    return returned + moved


def _move(session: Session, first: uuid.UUID, second: uuid.UUID, now: datetime) -> int:
    due = Message.config_id == first, Message.rerouted_from_id.is_(None), IS_QUEUED, Message.next_attempt_at <= now
    chosen = select(Message.id).where(*due).limit(AT_ONCE).with_for_update(skip_locked=True).cte("chosen")
    moved = update(messages).where(messages.c.id.in_(select(chosen.c.id)))
    return _count(session, moved.values(config_id=second, rerouted_from_id=first))


def _return(session: Session) -> int:
    """Mail that was moved and has not left, whose own setup is well again or whose other one no longer carries it."""
    still = exists().where(_carries(), _first.id == Message.rerouted_from_id, _second.id == Message.config_id)
    there = exists().where(OutboundConfig.id == Message.rerouted_from_id)
    moved = Message.rerouted_from_id.is_not(None), IS_QUEUED, ~still, there
    chosen = select(Message.id).where(*moved).limit(AT_ONCE).with_for_update(skip_locked=True).cte("chosen")
    back = update(messages).where(messages.c.id.in_(select(chosen.c.id)))
    values = {"config_id": messages.c.rerouted_from_id, "rerouted_from_id": None}
    return _count(session, back.values(**values))


def _count(session: Session, statement: Update) -> int:
    # SQLite's driver counts no rows of a statement that begins with WITH.
    return len(session.connection().execute(statement.returning(messages.c.id)).all())


def detours(session: Session, config_ids: Sequence[uuid.UUID], since: datetime) -> list[Detour]:
    """How much mail of these setups went out through others since then, and how much waits there."""
    other = aliased(OutboundConfig)
    is_sent = and_(Message.status == SENT, Message.finished_at >= since)
    counted = (
        select(Message.rerouted_from_id, other.name, func.count().filter(is_sent), func.count().filter(IS_QUEUED))
        .join(other, other.id == Message.config_id)
        .where(Message.rerouted_from_id.in_(config_ids))
        .group_by(Message.rerouted_from_id, other.name)
        .order_by(other.name)
    )
    rows = session.execute(counted)
    found = (Detour(config, through, left, waits) for config, through, left, waits in rows if config)
    return [detour for detour in found if detour.sent or detour.waiting]
