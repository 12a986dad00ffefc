"""Sends due notices: what the queue named alerts runs."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from mailsetup.alerts import escalate
from mailsetup.alerts.claim import claim, due_ids, record_failed, record_sent
from mailsetup.alerts.facts import NoticeFacts, gather
from mailsetup.alerts.limits import gathered_with
from mailsetup.alerts.models import AlertNotice
from mailsetup.alerts.notices import JOB
from mailsetup.alerts.notify import NotSent, send_notice
from mailsetup.alerts.stages import StageLog
from mailsetup.alerts.ways import Way, way_of
from mailsetup.core import queues, stopping
from mailsetup.core.db import session_scope
from mailsetup.core.errors import UnsealError
from mailsetup.core.redact import Secret

TURN_SECONDS = 300.0
FAULT = "A fault on our side kept it from being sent. It is recorded; your operator can find it by this notice's id."

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Held:
    """One notice this job alone may send: its lease, and what it says."""

    notice_id: uuid.UUID
    token: str
    attempts: int
    facts: NoticeFacts


@dataclass(frozen=True)
class Claimed:
    """What leaves in one piece: a notice, or all that one route gathered; and the way it goes."""

    held: tuple[Held, ...]
    way: Way


def send_notices() -> None:
    """Sends what is due, one mail at a time; rings again when its turn is over before the work is."""
    queues.answered(JOB)
    end = time.monotonic() + TURN_SECONDS
    while time.monotonic() < end and not stopping.requested():
        with session_scope() as session:
            waiting = due_ids(session)
        if not waiting:
            return
        for notice_id in waiting:
            _send_one(notice_id)
            if stopping.requested():
                break
    queues.ring(JOB)


def _send_one(notice_id: uuid.UUID) -> None:
    claimed = _claim(notice_id)
    if claimed is None:
        return
    stages = StageLog()
    try:
        send_notice([held.facts for held in claimed.held], claimed.way, stages)
    except NotSent as error:
        _record_failed(claimed, error, stages)
    except Exception as error:  # the edge of the job: one bad notice must not stop the others
        log.exception("alert_notice_fault", notice=str(notice_id), error=type(error).__name__)
        _record_failed(claimed, NotSent(FAULT), stages)
    else:
        _record_sent(claimed, stages)


def _claim(notice_id: uuid.UUID) -> Claimed | None:
    # Committed before the first byte is sent, so that a crash leaves a mark.
    with session_scope() as session:
        notice = claim(session, notice_id)
        if notice is None:
            return None
        together = filter(None, (claim(session, other, with_=notice) for other in gathered_with(session, notice)))
        held = [Held(one.id, one.lease_token or "", one.attempts, gather(session, one)) for one in (notice, *together)]
        return Claimed(tuple(held), _way(session, notice))


def _way(session: Session, notice: AlertNotice) -> Way:
    try:
        return way_of(session, notice)
    except UnsealError:
        log.error("alert_route_does_not_open", notice=str(notice.id))
        return Way(notice.channel, Secret(""))


def _record_sent(claimed: Claimed, stages: StageLog) -> None:
    with session_scope() as session:
        for held in claimed.held:
            record_sent(session, held.notice_id, held.token, stages=stages.stages)
        escalate.after_success(session, session.get_one(AlertNotice, claimed.held[0].notice_id))


def _record_failed(claimed: Claimed, error: NotSent, stages: StageLog) -> None:
    with session_scope() as session:
        for held in claimed.held:
            ours = record_failed(
                session,
                held.notice_id,
                held.token,
                attempts=held.attempts,
                error=str(error),
                final=error.final,
                retry_after=error.retry_after,
                stages=stages.stages,
            )
            if ours:
                notice = session.get_one(AlertNotice, held.notice_id, populate_existing=True)
                escalate.after_failure(session, notice, error=str(error), mailer=error.mailer)
