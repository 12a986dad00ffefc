"""What is done every 15 seconds, whatever happened to Redis or to a worker: nothing waits for nobody."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import RowMapping, select, update
from sqlalchemy.orm import Session

from mailsetup.core import queues
from mailsetup.outbound import health, hosts, mailboxes
from mailsetup.outbound.models import SENDING_STATES, MailHost, OutboundConfig
from mailsetup.outbox import explanations, forget, happenings, retry
from mailsetup.outbox.attempts import looked_up_next, unknown_state
from mailsetup.outbox.clock import database_now
from mailsetup.outbox.models import CLAIMED, EXPIRED, FAILED, QUEUED, UNKNOWN, Message, attempts, messages
from mailsetup.outbox.ready import IS_HELD, IS_QUEUED, has_due, may_send

DRAIN = "mailsetup.outbox.jobs.drain"
CRASHES_UNTIL_ASIDE = 3
AT_ONCE = 500
log = structlog.get_logger()


@dataclass(frozen=True)
class SweepResult:
    """What one sweep changed."""

    recovered: int
    expired: int
    adopted: int
    purged: int
    rung: bool


def sweep(session: Session) -> SweepResult:
    """Recovers, expires, adopts, purges, and rings for whatever is due. Twice has the effect of once."""
    now = database_now(session)
    recovered = _recover(session, now)
    expired = _expire(session, now)
    adopted = adopt(session)
    purged = forget.forget(session, now)
    _tell_of_away_hosts(session, now)
    mailboxes.forget_idle(session, now)
    due = session.scalar(select(OutboundConfig.id).where(may_send(now), has_due(OutboundConfig.id, now)).limit(1))
    if due is not None:
        queues.enqueue_after_commit(session, DRAIN)
    return SweepResult(recovered, expired, adopted, purged, due is not None)


def adopt(session: Session, workspace_id: uuid.UUID | None = None) -> int:
    """Gives mail that was queued before there was a setup to its workspace's default setup."""
    default = (
        select(OutboundConfig.id)
        .where(OutboundConfig.workspace_id == messages.c.workspace_id, OutboundConfig.is_default.is_(True))
        .limit(1)
        .scalar_subquery()
    )
    orphans = select(Message.id).where(Message.config_id.is_(None), IS_QUEUED, default.is_not(None))
    if workspace_id is not None:
        orphans = orphans.where(Message.workspace_id == workspace_id)
    chosen = update(messages).where(messages.c.id.in_(orphans.limit(AT_ONCE).correlate(None)))
    return session.connection().execute(chosen.values(config_id=default)).rowcount


def _recover(session: Session, now: datetime) -> int:
    """Mail held by a worker that is gone: not begun, it is due again at once; begun, its outcome is unknown."""
    query = (
        select(Message.__table__, OutboundConfig.unknown_policy)
        .outerjoin(OutboundConfig, OutboundConfig.id == Message.config_id)
        .where(IS_HELD, Message.lease_until < now)
        .limit(AT_ONCE)
    )
    return sum(_recover_one(session, row, now) for row in session.execute(query).mappings().all())


def _recover_one(session: Session, row: RowMapping, now: datetime) -> bool:
    crashes = row["crash_count"] + 1
    state = {**_state_after_crash(row, crashes, now), "crash_count": crashes}
    mine = messages.c.id == row["id"], messages.c.lease_token == row["lease_token"], messages.c.status == row["status"]
    if not session.connection().execute(update(messages).where(*mine).values(**state)).rowcount:
        return False
    open_attempt = attempts.c.message_id == row["id"], attempts.c.finished_at.is_(None)
    ended = {"finished_at": now, "outcome": UNKNOWN, "explanation": explanations.WORKER_DIED}
    session.connection().execute(update(attempts).where(*open_attempt).values(**ended))
    happenings.tell(session, row["workspace_id"], state["status"], [row["id"]], now)
    log.warning("lease_ended", message=str(row["id"]), status=row["status"], crashes=crashes)
    return True


def _state_after_crash(row: RowMapping, crashes: int, now: datetime) -> dict[str, Any]:
    freed = {"lease_token": None, "lease_until": None}
    begun = row["status"] != CLAIMED
    if crashes >= CRASHES_UNTIL_ASIDE:
        doubt = {"possible_duplicate": True} if begun else {}
        aside = {"status": FAILED, "finished_at": now, "last_explanation": explanations.POISON}
        return {**aside, **freed, **doubt}
    if begun and row["handle"] is not None:
        # No doubt that a person would have to end: the next try finds out what became of this one.
        later = now + retry.message_delay(row["retry_step"] + 1)
        told = {"retry_step": row["retry_step"] + 1, "last_explanation": looked_up_next()}
        return {"status": QUEUED, "next_attempt_at": later, **told, **freed}
    if begun:
        policy = row["unknown_policy"] or "resend"
        return unknown_state(policy, row["retry_step"], now, explanations.OUTCOME_UNKNOWN)
    return {"status": QUEUED, **freed}


def _expire(session: Session, now: datetime) -> int:
    overdue = select(Message.id).where(IS_QUEUED, Message.expires_at <= now).limit(AT_ONCE)
    ended = {"status": EXPIRED, "finished_at": now, "last_explanation": explanations.EXPIRED}
    chosen = update(messages).where(messages.c.id.in_(overdue), messages.c.status == QUEUED).values(**ended)
    wanted = chosen.returning(messages.c.workspace_id, messages.c.id, messages.c.handle)
    ended_now = session.connection().execute(wanted).all()
    if with_draft := [row.id for row in ended_now if row.handle]:
        named = update(messages).where(messages.c.id.in_(with_draft))
        session.connection().execute(named.values(last_explanation=explanations.EXPIRED_WITH_DRAFT))
    happenings.tell_all(session, EXPIRED, [(row.workspace_id, row.id) for row in ended_now], now)
    return len(ended_now)


def _tell_of_away_hosts(session: Session, now: datetime) -> None:
    """Only one lane tries a server that is away; in the end everybody whose mail waits for it is told."""
    lasting = select(MailHost).where(MailHost.failures >= health.FAILURES_UNTIL_STOPPED)
    for host in session.scalars(lasting).all():
        here = select(OutboundConfig).where(OutboundConfig.host_key == host.key)
        waiting = here.where(OutboundConfig.health.in_(SENDING_STATES), has_due(OutboundConfig.id, now))
        for config in session.scalars(waiting.limit(AT_ONCE)).all():
            health.host_away(session, config, hosts.error_of(host))
