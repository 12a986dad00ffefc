"""Claims due notices, one job at a time, and keeps how sending went."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from mailsetup.alerts import limits
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
from mailsetup.alerts.waiting import counted
from mailsetup.core.clock import utcnow
from mailsetup.workspaces.models import Workspace

RETRY_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
LEASE = timedelta(minutes=5)
HOUR = timedelta(hours=1)
Stages = Sequence[dict[str, Any]]
INTERRUPTED = "The program stopped while it sent this. It was sent again, so it may arrive twice."
_SOON = timedelta(seconds=10)
# What waited leaves within moments of a recovery, and the notice says how much did: so long it may wait for that.
LEAVING = timedelta(minutes=2)
_OPERATOR_LOCK = 7_203_945_119
_NO_LEASE: dict[str, object] = {"lease_token": None, "lease_until": None}

log = structlog.get_logger(__name__)


def due_ids(session: Session, *, limit: int = 20) -> list[uuid.UUID]:
    """The notices to send now, oldest first."""
    wanted = select(AlertNotice.id).where(AlertNotice.state == PENDING, AlertNotice.next_attempt_at <= utcnow())
    return list(session.scalars(wanted.order_by(AlertNotice.next_attempt_at, AlertNotice.id).limit(limit)))


def claim(session: Session, notice_id: uuid.UUID, *, with_: AlertNotice | None = None) -> AlertNotice | None:
    """Takes a due notice for the caller alone; None when another job has it, or it should not go out now.

    `with_` is one that is claimed already and takes this one along in one piece.
    """
    notice = session.get(AlertNotice, notice_id)
    if notice is None:
        return None
    # Two jobs must not both see "two notices so far": PostgreSQL lets one of them count at a time.
    _one_at_a_time(session, notice)
    session.refresh(notice)
    if notice.state != PENDING or notice.next_attempt_at > utcnow() or _held_back(session, notice, with_):
        return None
    values = {
        "telling": with_.telling if with_ else limits.telling_of(notice),
        "state": SENDING,
        "attempts": AlertNotice.attempts + 1,
        "lease_token": secrets.token_hex(16),
        "lease_until": utcnow() + LEASE,
    }
    return notice if change_notice(session, notice_id, state=PENDING, values=values) else None


def _one_at_a_time(session: Session, notice: AlertNotice) -> None:
    if notice.workspace_id is not None:
        mine = select(Workspace.id).where(Workspace.id == notice.workspace_id)
        session.execute(mine.with_for_update(key_share=True))
    elif session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_OPERATOR_LOCK)))


def _held_back(session: Session, notice: AlertNotice, with_: AlertNotice | None) -> bool:
    """Whether the notice is overtaken by events (skipped) or one too many for now (postponed)."""
    if notice.alert is None:
        return False
    reason = _overtaken(session, notice, notice.alert)
    if reason:
        return change_notice(session, notice.id, state=PENDING, values={"state": SKIPPED, "error": reason})
    until = _wait_until(session, notice, notice.alert, limited=with_ is None)
    if until is None:
        return False
    values = {"next_attempt_at": until[0], "error": until[1]}
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
        AlertNotice.channel == notice.channel,
        AlertNotice.target == notice.target,
        AlertNotice.event.in_((OPENED, REMINDED)),
    )


def _was_told(session: Session, notice: AlertNotice) -> bool:
    reached = AlertNotice.state.in_((SENT, SENDING)) | AlertNotice.possible_duplicate
    return bool(session.scalar(_earlier_notices(notice).where(reached)))


def _wait_until(session: Session, notice: AlertNotice, alert: Alert, *, limited: bool) -> tuple[datetime, str] | None:
    """When the notice may go out, and why not before; None for now."""
    now = utcnow()
    if notice.event == RESOLVED:
        if session.scalar(_earlier_notices(notice).where(AlertNotice.state == SENDING)):
            return now + _SOON, "Waits for the notice that it answers."
        if alert.waiting and alert.resolved_at and now - alert.resolved_at < LEAVING and counted(session, alert):
            return now + _SOON, "Waits until the mail that was held back has left, two minutes at most."
    elif alert.snoozed_until and alert.snoozed_until > now:
        return alert.snoozed_until, "Waits: somebody asked for quiet until then."
    until = limits.room_at(session, notice, alert, now) if limited else None
    return (until, limits.WORDS) if until else None


def record_sent(session: Session, notice_id: uuid.UUID, token: str, *, stages: Stages = ()) -> bool:
    """It was accepted; False when the claim was lost meanwhile."""
    values = {**_NO_LEASE, "state": SENT, "sent_at": utcnow(), "error": "", "stages": list(stages)}
    return change_notice(session, notice_id, state=SENDING, token=token, values=values)


def record_failed(
    session: Session,
    notice_id: uuid.UUID,
    token: str,
    *,
    attempts: int,
    error: str,
    final: bool = False,
    retry_after: float | None = None,
    stages: Stages = (),
) -> bool:
    """It was not accepted: tried again later, or failed for good when `final` or after the last try."""
    values: dict[str, object] = {**_NO_LEASE, "state": FAILED, "error": error, "stages": list(stages)}
    if not final and attempts <= len(RETRY_DELAYS):
        pause = max(RETRY_DELAYS[attempts - 1], timedelta(seconds=retry_after or 0))
        values |= {"state": PENDING, "next_attempt_at": utcnow() + pause}
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
