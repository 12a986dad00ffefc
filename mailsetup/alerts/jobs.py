"""Sends due notices: what the queue named alerts runs."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

import structlog

from mailsetup.alerts.claim import claim, due_ids, record_failed, record_sent
from mailsetup.alerts.facts import NoticeFacts, gather
from mailsetup.alerts.notices import JOB
from mailsetup.alerts.notify import NotSent, send_notice
from mailsetup.core import queues, stopping
from mailsetup.core.db import session_scope

TURN_SECONDS = 300.0
FAULT = "A fault on our side kept it from being sent. It is recorded; your operator can find it by this notice's id."

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Claimed:
    """A notice this job alone may send, with all that its mail says."""

    notice_id: uuid.UUID
    token: str
    attempts: int
    facts: NoticeFacts


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
    try:
        send_notice(claimed.facts)
    except NotSent as error:
        _record_failed(claimed, str(error), final=error.final)
    except Exception as error:  # the edge of the job: one bad notice must not stop the others
        log.exception("alert_notice_fault", notice=str(notice_id), error=type(error).__name__)
        _record_failed(claimed, FAULT)
    else:
        with session_scope() as session:
            record_sent(session, notice_id, claimed.token)


def _claim(notice_id: uuid.UUID) -> Claimed | None:
    # Committed before the first byte is sent, so that a crash leaves a mark.
    with session_scope() as session:
        notice = claim(session, notice_id)
        if notice is None:
            return None
        return Claimed(notice.id, notice.lease_token or "", notice.attempts, gather(session, notice))


def _record_failed(claimed: Claimed, error: str, *, final: bool = False) -> None:
    with session_scope() as session:
        record_failed(session, claimed.notice_id, claimed.token, attempts=claimed.attempts, error=error, final=final)
