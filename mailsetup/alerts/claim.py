"""Claims due notices, one job at a time, and keeps how sending went."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import (
    FAILED,
    OPENED,
    PENDING,
    REMINDED,
    RESOLVED,
    SENDING,
    SENT,
    SKIPPED,
    Alert,
    AlertNotice,
)
from mailsetup.alerts.notices import change_notice
from mailsetup.core.clock import utcnow
from mailsetup.workspaces.models import Workspace

RETRY_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
LEASE = timedelta(minutes=5)
HOUR = timedelta(hours=1)
HOURLY_LIMIT = 3
ALERT_EVENTS = (OPENED, REMINDED, RESOLVED)
INTERRUPTED = "The program stopped while it sent this. It was sent again, so it may arrive twice."
_SOON = timedelta(seconds=10)
_NO_LEASE: dict[str, object] = {"lease_token": None, "lease_until": None}

log = structlog.get_logger(__name__)


def due_ids(session: Session, *, limit: int = 20) -> list[uuid.UUID]:
    """The notices to send now, oldest first."""
    wanted = select(AlertNotice.id).where(AlertNotice.state == PENDING, AlertNotice.next_attempt_at <= utcnow())
    return list(session.scalars(wanted.order_by(AlertNotice.next_attempt_at, AlertNotice.id).limit(limit)))


def claim(session: Session, notice_id: uuid.UUID) -> AlertNotice | None:
    """Takes a due notice for the caller alone; None when another job has it, or it should not go out now."""
    notice = session.get(AlertNotice, notice_id)
    if notice is None:
        return None
    # Two jobs must not both see "two notices so far": PostgreSQL lets one of them count at a time.
    session.execute(select(Workspace.id).where(Workspace.id == notice.workspace_id).with_for_update(key_share=True))
    session.refresh(notice)
    if notice.state != PENDING or notice.next_attempt_at > utcnow() or _held_back(session, notice):
        return None
    values = {
        "state": SENDING,
        "attempts": AlertNotice.attempts + 1,
        "lease_token": secrets.token_hex(16),
        "lease_until": utcnow() + LEASE,
    }
    return notice if change_notice(session, notice_id, state=PENDING, values=values) else None


def _held_back(session: Session, notice: AlertNotice) -> bool:
    """Whether the notice is overtaken by events (skipped) or one too many for now (postponed)."""
    if notice.alert is None:
        return False
    reason = _overtaken(session, notice, notice.alert)
    if reason:
        return change_notice(session, notice.id, state=PENDING, values={"state": SKIPPED, "error": reason})
    until = _wait_until(session, notice, notice.alert)
    if until is None:
        return False
    values = {"next_attempt_at": until, "error": f"Waits: {HOURLY_LIMIT} mails about this went out within an hour."}
    return change_notice(session, notice.id, state=PENDING, values=values)


def _overtaken(session: Session, notice: AlertNotice, alert: Alert) -> str:
    if alert.resolved_at is None:
        return ""
    if notice.event != RESOLVED:
        return "Solved before this mail was sent."
    # A short stop that nobody heard of needs no all-clear; a long one does, as the only word about it.
    short = alert.resolved_at - alert.opened_at < HOUR
    if short and not _was_told(session, notice):
        return "Nothing was sent about this before it was solved."
    return ""


def _earlier_notices(notice: AlertNotice) -> Select[int]:
    return select(func.count()).where(
        AlertNotice.alert_id == notice.alert_id,
        AlertNotice.target == notice.target,
        AlertNotice.event.in_((OPENED, REMINDED)),
    )


def _was_told(session: Session, notice: AlertNotice) -> bool:
    reached = AlertNotice.state.in_((SENT, SENDING)) | AlertNotice.possible_duplicate
    return bool(session.scalar(_earlier_notices(notice).where(reached)))


def _wait_until(session: Session, notice: AlertNotice, alert: Alert) -> datetime | None:
    """When the notice may go out: after the one it answers, and within the hourly limit; None for now."""
    now = utcnow()
    if notice.event == RESOLVED and session.scalar(_earlier_notices(notice).where(AlertNotice.state == SENDING)):
        return now + _SOON
    recent = (
        select(func.coalesce(AlertNotice.sent_at, AlertNotice.lease_until))
        .join(Alert, Alert.id == AlertNotice.alert_id)
        .where(
            AlertNotice.workspace_id == notice.workspace_id,
            AlertNotice.target == notice.target,
            AlertNotice.event.in_(ALERT_EVENTS),
            Alert.cause == alert.cause,
            (AlertNotice.state == SENDING) | ((AlertNotice.state == SENT) & (AlertNotice.sent_at > now - HOUR)),
        )
    )
    times = sorted(session.scalars(recent))
    return None if len(times) < HOURLY_LIMIT else max(times[-HOURLY_LIMIT] + HOUR, now + _SOON)


def record_sent(session: Session, notice_id: uuid.UUID, token: str) -> bool:
    """The operator's mail server accepted it; False when the claim was lost meanwhile."""
    values = {**_NO_LEASE, "state": SENT, "sent_at": utcnow(), "error": ""}
    return change_notice(session, notice_id, state=SENDING, token=token, values=values)


def record_failed(
    session: Session, notice_id: uuid.UUID, token: str, *, attempts: int, error: str, final: bool = False
) -> bool:
    """It was not accepted: tried again later, or failed for good when `final` or after the last try."""
    values: dict[str, object] = {**_NO_LEASE, "state": FAILED, "error": error}
    if not final and attempts <= len(RETRY_DELAYS):
        values |= {"state": PENDING, "next_attempt_at": utcnow() + RETRY_DELAYS[attempts - 1]}
    log.warning("alert_notice_not_sent", notice=str(notice_id), attempts=attempts, state=values["state"])
    return change_notice(session, notice_id, state=SENDING, token=token, values=values)


def release_stale(session: Session) -> int:
    """Takes notices back from jobs that died while sending: a mail too many is better than none."""
    stale = select(AlertNotice).where(AlertNotice.state == SENDING, AlertNotice.lease_until < utcnow())
    return sum(_release(session, notice) for notice in session.scalars(stale).all())


def _release(session: Session, notice: AlertNotice) -> bool:
    values: dict[str, object] = {**_NO_LEASE, "possible_duplicate": True, "error": INTERRUPTED}
    if notice.attempts > len(RETRY_DELAYS):
        values |= {"state": FAILED, "error": "The program stopped every time it sent this. It may have arrived."}
    else:
        values |= {"state": PENDING, "next_attempt_at": utcnow()}
    return change_notice(session, notice.id, state=SENDING, token=notice.lease_token or "", values=values)
