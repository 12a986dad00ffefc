"""The circuit of a mail server: while it does not answer, one lane tries it once a minute, for everybody.

A setup that fails alone waits by itself (`blocked_until`); only failures of several setups in turn open the circuit.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mailsetup.core import queues, walls
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound.models import BROKEN, DEGRADED, MailHost, OutboundConfig

DRAIN = "mailsetup.outbox.jobs.drain"
OPENS_AFTER = 3
TRY_AGAIN = timedelta(seconds=60)
# What is found out before anybody signs in: it is true for everybody who comes to this server.
REACHING_STAGES = frozenset({"resolve", "connect", "tls"})
hosts = cast("Table", MailHost.__table__)
configs = cast("Table", OutboundConfig.__table__)


def away(error: TransportError) -> bool:
    """Whether the error says that the server itself cannot be reached, for anybody."""
    return error.stage in REACHING_STAGES and not error.permanent and error.channel != "settings"


def failed(session: Session, config: OutboundConfig, error: TransportError, now: datetime) -> None:
    """The server could not be reached for this setup."""
    if not config.host_key:
        return
    row = session.get(MailHost, config.host_key, with_for_update=True)
    if row is None:
        _first(session, config, error, now)
        return
    row.failures += row.last_config_id != config.id or row.failures >= OPENS_AFTER
    row.last_config_id, row.error = config.id, _facts(error)
    if row.failures >= OPENS_AFTER:
        row.paused_until = now + TRY_AGAIN


def _first(session: Session, config: OutboundConfig, error: TransportError, now: datetime) -> None:
    fresh = {"key": config.host_key, "failures": 1, "last_config_id": config.id, "away_since": now}
    try:
        with session.begin_nested():
            session.connection().execute(insert(hosts).values(**fresh, error=_facts(error)))
    except IntegrityError:
        return  # Another lane lost the server in the same moment: that is one failure.


def _facts(error: TransportError) -> dict[str, Any]:
    return {"raw": error.raw, "channel": error.channel, "stage": error.stage, "code": error.code}


def error_of(row: MailHost) -> TransportError:
    """The failure that was last seen, to be told to everybody whose mail waits for the server."""
    host, _, port = row.key.partition(" ")[0].rpartition(":")
    return TransportError(**row.error, context={"host": host, "port": port})


def may_try(session: Session, key: str, now: datetime) -> bool:
    """Whether somebody may go to this server now; of many who ask while it is away, one a minute."""
    open_circuit = session.connection().execute(select(hosts.c.failures).where(hosts.c.key == key)).scalar()
    if open_circuit is None or open_circuit < OPENS_AFTER:
        return True
    mine = update(hosts).where(hosts.c.key == key, hosts.c.paused_until <= now)
    return bool(session.connection().execute(mine.values(paused_until=now + TRY_AGAIN)).rowcount)


def answered(session: Session, key: str, now: datetime) -> None:
    """The server answers: everybody's mail goes on at once, and stopped setups are tried again."""
    if not session.connection().execute(delete(hosts).where(hosts.c.key == key)).rowcount:
        return
    here = configs.c.host_key == key
    waiting = update(configs).where(here, configs.c.health == DEGRADED, configs.c.failures_in_row > 0)
    stopped = update(configs).where(here, configs.c.health == BROKEN, configs.c.next_probe_at.is_not(None))
    # The lane that found it works for one workspace; the news is for all who send through this server.
    with walls.across(session):
        session.connection().execute(waiting.values(blocked_until=None))
        session.connection().execute(stopped.values(next_probe_at=now))
    session.expire_all()
    queues.enqueue_after_commit(session, DRAIN)


def known(session: Session, key: str) -> bool:
    """Whether the server was away lately."""
    return session.connection().execute(select(hosts.c.key).where(hosts.c.key == key)).scalar() is not None
