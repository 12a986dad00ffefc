"""Takes due mail of one setup under a lease, and gives it back. Every write names the lease's token."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from mailsetup.core.ids import new_id
from mailsetup.outbox import groups
from mailsetup.outbox.allowance import Allowance, allowance, configs
from mailsetup.outbox.models import CLAIMED, PRIORITIES, QUEUED, SENDING, Message, attempts, messages
from mailsetup.outbox.ready import IS_HELD, IS_QUEUED

BATCH = 50
# Mails of many setups in one claim.
MANY = 200
LEASE = timedelta(seconds=60)
# Longer than the longest conversation a mail service allows itself (`Timeouts.session`, 14 min).
WIRE_DEADLINE = timedelta(minutes=15)
HIGH, NORMAL, BULK = PRIORITIES["high"], PRIORITIES["normal"], PRIORITIES["bulk"]
# High overtakes, yet a full batch always has room for what is below it.
SHARES = ((HIGH, BATCH - 10), (NORMAL, BATCH - 2), (BULK, BATCH), (NORMAL, BATCH), (HIGH, BATCH))

COLUMNS = (
    Message.id, Message.workspace_id, Message.config_id, Message.priority, Message.next_attempt_at,
    Message.attempt_count, Message.retry_step, Message.message_id, Message.envelope_sender, Message.from_address,
    Message.recipients, Message.frozen, Message.possible_duplicate, Message.size, Message.handle,
)  # fmt: skip


@dataclass(frozen=True)
class Claimed:
    """A message under our lease, as far as delivering it needs to know."""

    id: uuid.UUID
    workspace_id: uuid.UUID
    config_id: uuid.UUID
    priority: int
    next_attempt_at: datetime
    attempt_count: int
    retry_step: int
    message_id: str
    envelope_sender: str
    from_address: str
    recipients: list[dict[str, Any]]
    frozen: bool
    possible_duplicate: bool
    size: int
    handle: str | None
    token: str


@dataclass(frozen=True)
class Batch:
    """What a lane claimed: on which mailbox's count it goes, whether it holds one of its connections.

    `mailbox_key` is empty when nobody counts; `host_key` names a server that was away until now.
    """

    mails: list[Claimed]
    mailbox_key: str = ""
    in_lane: bool = False
    host_key: str = ""


def claim(session: Session, config_id: uuid.UUID, now: datetime, *, lane: str = "") -> Batch:
    """Up to a batch of the setup's due mail, most urgent first; none when it, or its mailbox, may not send now."""
    share = allowance(session, config_id, now, lane, BATCH)
    if share is None:
        return Batch([])
    token = secrets.token_hex(16)
    rows: Sequence[RowMapping] = _take_by_priority(session, config_id, now, token, share)
    rows = rows or _take_suspect(session, config_id, now, token)
    claimed = [Claimed(**row, token=token) for row in rows]
    claimed.sort(key=lambda row: (row.priority, row.next_attempt_at))
    fitting = share.fitting(claimed)
    release(session, claimed[fitting:], now)
    share.count(session, claimed[:fitting], now)
    return Batch(claimed[:fitting], share.key, share.in_lane, share.host_key)


def _take_by_priority(
    session: Session, config_id: uuid.UUID, now: datetime, token: str, allowed: Allowance
) -> list[RowMapping]:
    rows: list[RowMapping] = []
    left = set(allowed.priorities)
    for priority, share in SHARES:
        # What is alone needs to leave no room to others.
        limit = min(BATCH if left == {priority} else share, allowed.mails) - len(rows)
        if limit < 1 or priority not in left:
            continue
        found = _take(session, config_id, now, token, priority=priority, limit=limit)
        rows += found
        if len(found) < limit:
            left.discard(priority)
    return rows


def _take_suspect(session: Session, config_id: uuid.UUID, now: datetime, token: str) -> Sequence[RowMapping]:
    """A mail that was in the hands of a worker that died; alone, over all lanes: it takes no others with it again."""
    suspects = Message.config_id == config_id, Message.crash_count > 0
    due = select(Message.id).where(*suspects, IS_QUEUED, Message.next_attempt_at <= now).limit(1)
    if session.connection().execute(due).scalar() is None:
        return []
    # Two lanes that look at the same moment must not both find that nobody has one.
    session.connection().execute(select(configs.c.id).where(configs.c.id == config_id).with_for_update())
    if session.connection().execute(select(Message.id).where(*suspects, IS_HELD).limit(1)).scalar() is not None:
        return []
    return _take(session, config_id, now, token, priority=None, limit=1)


def _take(
    session: Session, config_id: uuid.UUID, now: datetime, token: str, *, priority: int | None, limit: int
) -> Sequence[RowMapping]:
    due = select(Message.id).where(Message.config_id == config_id, IS_QUEUED, Message.next_attempt_at <= now)
    if priority is None:
        due = due.where(Message.crash_count > 0)
    else:
        due = due.where(Message.priority == priority, Message.crash_count == 0)
    return _lease(session, due.order_by(Message.next_attempt_at).limit(limit), now, token)


def claim_many(session: Session, config_ids: Collection[uuid.UUID], now: datetime, token: str) -> list[Claimed]:
    """The due mail of setups that have little and share nothing (`allowance.unshared`), under one lease.

    Nothing that was in the hands of a worker that died: that goes alone.
    """
    due = select(Message.id).where(Message.config_id.in_(config_ids), IS_QUEUED, Message.next_attempt_at <= now)
    fit = due.where(Message.crash_count == 0).order_by(Message.priority, Message.next_attempt_at).limit(MANY)
    claimed = [Claimed(**row, token=token) for row in _lease(session, fit, now, token)]
    return sorted(claimed, key=lambda row: (row.priority, row.next_attempt_at))


def suspects(session: Session, config_ids: Collection[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Those of these setups that have due mail which was in the hands of a worker that died."""
    due = select(Message.config_id).where(Message.config_id.in_(config_ids), IS_QUEUED, Message.next_attempt_at <= now)
    found = session.connection().execute(due.where(Message.crash_count > 0).distinct()).scalars()
    return {config_id for config_id in found if config_id is not None}


def _lease(session: Session, due: Select[uuid.UUID], now: datetime, token: str) -> Sequence[RowMapping]:
    # As a CTE it runs once: as a subquery PostgreSQL may run it again for every row and take more than asked.
    chosen = due.with_for_update(skip_locked=True).cte("chosen")
    taken = (
        update(messages)
        .where(messages.c.id.in_(select(chosen.c.id)), messages.c.status == QUEUED)
        .values(status=CLAIMED, lease_token=token, lease_until=now + LEASE)
        .returning(*COLUMNS)
    )
    return session.connection().execute(taken).mappings().all()


def begin_sending(session: Session, group: Sequence[Claimed], now: datetime) -> list[Claimed]:
    """Marks these mails as on the wire and writes their attempts, before the first byte; those we still hold.

    All of a group are held under one lease.
    """
    if not group:
        return []
    begin = _begin_together if session.get_bind().dialect.name == "postgresql" else _begin_each
    held = begin(session, group, now)
    return [message for message in group if message.id in held]


def _begin_together(session: Session, group: Sequence[Claimed], now: datetime) -> set[uuid.UUID]:
    pairs = [(message.id, new_id()) for message in group]
    return groups.begin(session, pairs, group[0].token, now, now + WIRE_DEADLINE)


def _begin_each(session: Session, group: Sequence[Claimed], now: datetime) -> set[uuid.UUID]:
    marked = (
        update(messages)
        .where(_held(group, CLAIMED))
        .values(status=SENDING, lease_until=now + WIRE_DEADLINE, attempt_count=messages.c.attempt_count + 1)
        .returning(messages.c.id)
    )
    held = set(session.connection().execute(marked).scalars())
    begun = [_attempt(message, now) for message in group if message.id in held]
    if begun:
        session.connection().execute(insert(attempts), begun)
    return held


def will_look_up(session: Session, begun: Sequence[Claimed]) -> None:
    """From now on a try at these is looked up, by the name the service gives them, instead of being repeated."""
    fresh = [message.id for message in begun if message.handle is None]
    session.connection().execute(update(messages).where(messages.c.id.in_(fresh)).values(handle=""))


def name(session: Session, message: Claimed, handle: str) -> bool:
    """Keeps the service's name for a mail that is being sent; False when the lease is no longer ours."""
    mine = and_(messages.c.id == message.id, messages.c.lease_token == message.token, messages.c.status == SENDING)
    return bool(session.connection().execute(update(messages).where(mine).values(handle=handle)).rowcount)


def still_held(session: Session, group: Sequence[Claimed], now: datetime) -> list[Claimed]:
    """Those of a begun group that are still ours, their wire deadline counted anew from now."""
    if not group:
        return []
    kept = update(messages).where(_held(group, SENDING)).values(lease_until=now + WIRE_DEADLINE)
    held = set(session.connection().execute(kept.returning(messages.c.id)).scalars())
    return [message for message in group if message.id in held]


def lock_begun(session: Session, group: Sequence[Claimed]) -> list[uuid.UUID]:
    """The ids of a begun group that are still ours, locked until the transaction ends."""
    if not group:
        return []
    query = select(messages.c.id).where(_held(group, SENDING)).order_by(messages.c.id).with_for_update()
    return list(session.connection().execute(query).scalars())


def release(session: Session, group: Sequence[Claimed], now: datetime) -> None:
    """Gives back what never went on the wire; it is due as before, and no try is counted."""
    begun = still_held(session, group, now)
    if begun:
        tries = [{"of": message.id, "try": message.attempt_count + 1} for message in begun]
        chosen = attempts.c.message_id == bindparam("of"), attempts.c.number == bindparam("try")
        session.connection().execute(delete(attempts).where(*chosen, attempts.c.finished_at.is_(None)), tries)
    for status, counted in ((SENDING, 1), (CLAIMED, 0)) if group else ():
        free = {"status": QUEUED, "lease_token": None, "lease_until": None}
        given_back = update(messages).where(_held(group, status))
        session.connection().execute(given_back.values(**free, attempt_count=messages.c.attempt_count - counted))


def _held(group: Sequence[Claimed], status: str) -> ColumnElement[bool]:
    ids = [message.id for message in group]
    return and_(messages.c.id.in_(ids), messages.c.lease_token == group[0].token, messages.c.status == status)


def _attempt(message: Claimed, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "workspace_id": message.workspace_id,
        "message_id": message.id,
        "config_id": message.config_id,
        "number": message.attempt_count + 1,
        "started_at": now,
    }


def renew(session: Session, tokens: Sequence[str], now: datetime) -> None:
    """Keeps what these tokens hold; a mail on the wire keeps its own, later deadline."""
    kept = (
        update(messages)
        .where(messages.c.status == CLAIMED, messages.c.lease_token.in_(tokens))
        .values(lease_until=now + LEASE)
    )
    session.connection().execute(kept)
