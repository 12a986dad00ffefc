"""What all setups and workers share that send through one mailbox: its counts, pauses and connections.

Kept in the database, so that emptying Redis, or a worker that dies, makes nobody send faster. Who changes
several of these rows in one transaction locks the setup first, then the mailbox.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import RowMapping, Table, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.errors import NotFound
from mailsetup.mail_services import registry
from mailsetup.mail_services.limits import Limits
from mailsetup.outbound.explain import public_context
from mailsetup.outbound.models import Mailbox, MailboxLane, MailHost, OutboundConfig
from mailsetup.outbound.pace import DAY, MINUTE

ASKED, MINUTE_FULL, DAY_FULL, HOST_AWAY, OWN_FAILURE = "asked", "minute", "day", "host", "failure"
PAUSE_WORDS = {
    ASKED: "The mail service asked us to slow down.",
    MINUTE_FULL: "This mailbox has sent as much as it may in a minute.",
    DAY_FULL: "This mailbox has written to as many people as it may in 24 hours.",
    HOST_AWAY: "The mail server does not answer, so we try it once a minute.",
    OWN_FAILURE: "The last try failed for now.",
}
# Longer than the renewal of leases, which renews lanes too.
LANE_KEPT = timedelta(seconds=60)
FEWER_LANES_FOR = timedelta(minutes=10)
IDLE_KEPT = timedelta(days=3)

mailboxes, lanes = cast("Table", Mailbox.__table__), cast("Table", MailboxLane.__table__)


def settle_keys(session: Session, config: OutboundConfig) -> None:
    """Notes which mailbox and which server the setup sends through, as its values are now."""
    try:
        service = registry.get(config.kind)
    except NotFound:
        return
    public = public_context(session, config.credential)
    key = digest(service.mailbox_of(config.settings, public))
    host = service.host_of(config.settings, public)[:300]
    if (config.mailbox_key, config.host_key) != (key, host):
        config.mailbox_key, config.host_key = key, host


def digest(mailbox: str) -> str:
    """The key of a mailbox."""
    return hashlib.sha256(mailbox.encode()).hexdigest()


def limits_of(config: OutboundConfig) -> Limits:
    """What the setup's kind allows, lowered by the setup itself."""
    own = config.limit_per_minute, config.limit_connections, config.limit_recipients
    return registry.get(config.kind).limits_of(config.settings).lowered(*own)


def locked(session: Session, key: str, now: datetime) -> RowMapping:
    """The mailbox's row, ours until the transaction ends; made when it is new."""
    wanted = select(mailboxes).where(mailboxes.c.key == key).with_for_update()
    connection = session.connection()
    row = connection.execute(wanted).mappings().one_or_none()
    if row is None:
        _make(session, key, now)
        row = connection.execute(wanted).mappings().one()
    return row


def _make(session: Session, key: str, now: datetime) -> None:
    fresh = {"key": key, "minute": [], "day": [], "pause_reason": "", "used_at": now}
    try:
        with session.begin_nested():
            session.connection().execute(insert(mailboxes).values(**fresh))
    except IntegrityError:
        return  # Another worker was quicker, and its row serves as well.


def count(session: Session, row: RowMapping, now: datetime, *, mails: int, recipients: int) -> None:
    """Counts what is about to go."""
    spent = {"minute": MINUTE.added(row["minute"], now, mails), "day": DAY.added(row["day"], now, recipients)}
    session.connection().execute(update(mailboxes).where(mailboxes.c.key == row["key"]).values(**spent, used_at=now))


def count_back(session: Session, key: str, now: datetime, *, mails: int, recipients: int) -> None:
    """Takes back what was counted and never went."""
    row = locked(session, key, now)
    spent = {
        "minute": MINUTE.taken_back(row["minute"], now, mails),
        "day": DAY.taken_back(row["day"], now, recipients),
    }
    session.connection().execute(update(mailboxes).where(mailboxes.c.key == key).values(**spent))


def pause(session: Session, key: str, until: datetime, reason: str, now: datetime) -> None:
    """Holds everybody's mail through this mailbox back; the later end counts."""
    row = locked(session, key, now)
    if row["paused_until"] is None or row["paused_until"] < until:
        paused = update(mailboxes).where(mailboxes.c.key == key)
        session.connection().execute(paused.values(paused_until=until, pause_reason=reason, used_at=now))


def use_fewer_lanes(session: Session, config: OutboundConfig, now: datetime) -> bool:
    """One connection fewer for a while; False when there is only one left already."""
    row = locked(session, config.mailbox_key, now)
    current = row["lanes"] if row["lanes_until"] is not None and row["lanes_until"] > now else None
    usual = limits_of(config).connections or registry.get(config.kind).connections_per_mailbox
    if (current or usual) <= 1:
        return False
    fewer = update(mailboxes).where(mailboxes.c.key == config.mailbox_key)
    session.connection().execute(
        fewer.values(lanes=(current or usual) - 1, lanes_until=now + FEWER_LANES_FOR, used_at=now)
    )
    return True


def take_lane(session: Session, key: str, lane: str, allowed: int, now: datetime) -> bool:
    """Whether this lane may hold one of the mailbox's connections; the caller has the mailbox locked."""
    connection = session.connection()
    mine = lanes.c.lane == lane
    others = select(func.count()).where(lanes.c.mailbox_key == key, lanes.c.until > now, ~mine)
    if (connection.execute(others).scalar() or 0) >= allowed:
        connection.execute(delete(lanes).where(mine))
        return False
    if not connection.execute(update(lanes).where(mine).values(until=now + LANE_KEPT)).rowcount:
        connection.execute(insert(lanes).values(lane=lane, mailbox_key=key, until=now + LANE_KEPT))
    return True


def renew_lanes(session: Session, names: list[str], now: datetime) -> None:
    """Keeps the connections of lanes that are still at work."""
    session.connection().execute(update(lanes).where(lanes.c.lane.in_(names)).values(until=now + LANE_KEPT))


def leave_lane(session: Session, lane: str) -> None:
    """The connection is closed."""
    session.connection().execute(delete(lanes).where(lanes.c.lane == lane))


def forget_idle(session: Session, now: datetime) -> None:
    """Removes what nobody needs any more: ended lanes, and mailboxes without mail for days."""
    connection = session.connection()
    connection.execute(delete(lanes).where(lanes.c.until < now))
    idle = or_(mailboxes.c.paused_until.is_(None), mailboxes.c.paused_until < now)
    connection.execute(delete(mailboxes).where(mailboxes.c.used_at < now - IDLE_KEPT, idle))


@dataclass(frozen=True)
class Pause:
    """Why and until when mail of a setup waits that would else be sent."""

    until: datetime
    reason: str

    @property
    def words(self) -> str:
        """Why, in a sentence."""
        return PAUSE_WORDS.get(self.reason, PAUSE_WORDS[ASKED])

    @property
    def is_long(self) -> bool:
        """Whether a time of day is not enough to say when it ends."""
        return self.until - utcnow() > timedelta(hours=12)


def pause_of(session: Session, config: OutboundConfig) -> Pause | None:
    """What holds the setup's mail back now, by the pause that ends last."""
    now = utcnow()
    box, host = session.get(Mailbox, config.mailbox_key), session.get(MailHost, config.host_key)
    found = [Pause(config.blocked_until, OWN_FAILURE)] if config.blocked_until else []
    found += [Pause(box.paused_until, box.pause_reason)] if box and box.paused_until else []
    found += [Pause(host.paused_until, HOST_AWAY)] if host and host.paused_until else []
    waiting = [one for one in found if one.until > now]
    # A pause that the setup notes too, a moment later, is told by its own reason.
    own = timedelta(seconds=5)
    return max(waiting, key=lambda one: one.until - own * (one.reason == OWN_FAILURE), default=None)


def lanes_now(session: Session, config: OutboundConfig) -> int | None:
    """How many connections the service left us with; None while nothing is lowered."""
    box = session.get(Mailbox, config.mailbox_key)
    lowered = box is not None and box.lanes_until is not None and box.lanes_until > utcnow()
    return box.lanes if box is not None and lowered else None
