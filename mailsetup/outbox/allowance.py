"""How much of a setup's mail may go now: what its mailbox has left, over all setups and workers."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, cast

from sqlalchemy import Join, RowMapping, Select, Table, select
from sqlalchemy.orm import Session

from mailsetup.mail_services import registry
from mailsetup.mail_services.limits import Limits
from mailsetup.outbound import hosts, mailboxes
from mailsetup.outbound.mailboxes import DAY_FULL, MINUTE_FULL
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbound.pace import DAY, MINUTE
from mailsetup.outbox.models import PRIORITIES
from mailsetup.outbox.ready import may_send, priorities_due

configs = cast("Table", OutboundConfig.__table__)
boxes = mailboxes.mailboxes
NEEDED = (
    configs.c.kind, configs.c.settings, configs.c.mailbox_key, configs.c.limit_per_minute,
    configs.c.limit_connections, configs.c.limit_recipients, configs.c.host_key, boxes.c.lanes,
    boxes.c.lanes_until, hosts.hosts.c.failures,
)  # fmt: skip


class Counted(Protocol):
    """A mail as far as limits go."""

    @property
    def recipients(self) -> Sequence[object]:
        """Everybody it goes to."""


@dataclass(frozen=True)
class Allowance:
    """What a lane may take. `box` is the mailbox's locked row, where somebody counts."""

    mails: int
    recipients: int | None = None
    box: RowMapping | None = None
    limits: Limits = field(default_factory=Limits)
    in_lane: bool = False  # holds one of the mailbox's connections, to be given back
    host_key: str = ""  # a server that was away: to be told when it answers
    priorities: frozenset[int] = frozenset()  # of what is due

    @property
    def key(self) -> str:
        """On whose count it goes; empty when nobody counts."""
        return str(self.box["key"]) if self.box is not None and self.limits.counted else ""

    def fitting(self, mails: Sequence[Counted]) -> int:
        """How many of these, in their order, go to no more recipients than the day has left; never none of many."""
        if self.recipients is None:
            return len(mails)
        left = self.recipients
        for number, mail in enumerate(mails):
            left -= len(mail.recipients)
            # A mail to more people than are left may go when it is the first: else it would wait for ever.
            if left < 0 and number:
                return number
        return len(mails)

    def count(self, session: Session, mails: Sequence[Counted], now: datetime) -> None:
        """Counts what was taken."""
        if self.box is not None and self.limits.counted and mails:
            people = sum(len(mail.recipients) for mail in mails)
            mailboxes.count(session, self.box, now, mails=len(mails), recipients=people)


def allowance(session: Session, config_id: uuid.UUID, now: datetime, lane: str, batch: int) -> Allowance | None:
    """What this lane may take of the setup's mail; None when nothing may leave now."""
    row = session.connection().execute(_wanted(config_id, now)).mappings().one_or_none()
    if row is None or (row["failures"] is not None and not hosts.may_try(session, row["host_key"], now)):
        return None
    limits = _limits(row)
    connections = _connections(row, limits, now)
    if connections is None and not limits.counted:
        share: Allowance | None = Allowance(batch, host_key=row["host_key"] if row["failures"] is not None else "")
    else:
        share = _shared(session, config_id, row, connections, now=now, lane=lane, batch=batch)
    due = frozenset(priority for priority in PRIORITIES.values() if row[f"due_{priority}"])
    return share and replace(share, priorities=due)


def unshared(session: Session, config_ids: Collection[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Those of these setups that may send now and share nothing: no limit, no connection, no server that was away."""
    query = select(configs.c.id, *NEEDED).select_from(_found()).where(configs.c.id.in_(config_ids), may_send(now))
    rows = session.connection().execute(query).mappings()
    return {row["id"] for row in rows if row["mailbox_key"] and row["failures"] is None and _nobody_counts(row, now)}


def _nobody_counts(row: RowMapping, now: datetime) -> bool:
    limits = _limits(row)
    return not limits.counted and _connections(row, limits, now) is None


def _wanted(config_id: uuid.UUID, now: datetime) -> Select[Any]:
    columns = *NEEDED, *priorities_due(config_id, now)
    return select(*columns).select_from(_found()).where(configs.c.id == config_id, may_send(now))


def _found() -> Join:
    boxed = configs.outerjoin(boxes, boxes.c.key == configs.c.mailbox_key)
    return boxed.outerjoin(hosts.hosts, hosts.hosts.c.key == configs.c.host_key)


def _limits(row: RowMapping) -> Limits:
    own = row["limit_per_minute"], row["limit_connections"], row["limit_recipients"]
    return registry.get(row["kind"]).limits_of(row["settings"]).lowered(*own)


def _shared(
    session: Session,
    config_id: uuid.UUID,
    row: RowMapping,
    connections: int | None,
    *,
    now: datetime,
    lane: str,
    batch: int,
) -> Allowance | None:
    """What is left of a mailbox that somebody counts, and one of its connections."""
    box = mailboxes.locked(session, row["mailbox_key"] or _settled(session, config_id), now)
    left = _left(session, box, _limits(row), now, batch)
    if left is None or connections is None or not lane:
        return left
    if not mailboxes.take_lane(session, box["key"], lane, connections, now):
        return None
    return replace(left, in_lane=True, host_key=row["host_key"] if row["failures"] is not None else "")


def _connections(row: RowMapping, limits: Limits, now: datetime) -> int | None:
    """How many connections the mailbox has over all workers; None when nobody counts them."""
    if row["lanes_until"] is not None and row["lanes_until"] > now:
        usual = limits.connections or registry.get(row["kind"]).connections_per_mailbox
        return min(int(row["lanes"]), usual)
    return limits.connections


def _settled(session: Session, config_id: uuid.UUID) -> str:
    """The key of a setup that was saved before setups had one."""
    config = session.get_one(OutboundConfig, config_id)
    mailboxes.settle_keys(session, config)
    session.flush()
    return config.mailbox_key


def _left(session: Session, box: RowMapping, limits: Limits, now: datetime, batch: int) -> Allowance | None:
    if box["paused_until"] is not None and box["paused_until"] > now:
        return None
    room, people = batch, None
    if limits.per_minute is not None:
        room = min(batch, limits.per_minute - MINUTE.used(box["minute"], now))
    if limits.recipients_a_day is not None:
        people = limits.recipients_a_day - DAY.used(box["day"], now)
    if people is not None and people < 1:
        until = DAY.room_at(box["day"], now, limits.recipients_a_day or 0)
        mailboxes.pause(session, box["key"], until, DAY_FULL, now)
    elif room < 1:
        until = MINUTE.room_at(box["minute"], now, limits.per_minute or 0)
        mailboxes.pause(session, box["key"], until, MINUTE_FULL, now)
    else:
        return Allowance(room, people, box, limits)
    return None
