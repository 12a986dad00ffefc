"""Notices: written in the transaction of what they tell about, so that one exists for every alert."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from mailsetup.alerts.models import FAILED, PENDING, TESTED, Alert, AlertNotice
from mailsetup.core.clock import utcnow
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import Conflict
from mailsetup.core.queues import enqueue_after_commit
from mailsetup.workspaces import audit
from mailsetup.workspaces.audit import Actor

JOB = "mailsetup.alerts.jobs.send_notices"
TESTS_AN_HOUR = 10
HOUR = timedelta(hours=1)


def write_notices(session: Session, alert: Alert, event: str, addresses: Iterable[str]) -> list[AlertNotice]:
    """A notice to each address, sent as soon as the caller commits."""
    notices = [
        AlertNotice(workspace_id=alert.workspace_id, alert_id=alert.id, event=event, target=address)
        for address in addresses
    ]
    session.add_all(notices)
    session.flush()
    if notices:
        enqueue_after_commit(session, JOB)
    return notices


def write_test(session: Session, *, workspace_id: uuid.UUID, actor: Actor, address: str) -> AlertNotice:
    """A test mail to an address that hears of alerts. Raises Conflict when there were many in the last hour."""
    recent = select(func.count()).where(
        AlertNotice.workspace_id == workspace_id,
        AlertNotice.event == TESTED,
        AlertNotice.created_at > utcnow() - HOUR,
    )
    if (session.scalar(recent) or 0) >= TESTS_AN_HOUR:
        raise Conflict(f"{TESTS_AN_HOUR} test mails were sent in the last hour. Try again later; nothing was sent now.")
    notice = AlertNotice(workspace_id=workspace_id, alert_id=None, event=TESTED, target=address)
    session.add(notice)
    session.flush()
    audit.record(session, workspace_id, actor=actor, action="alert_notice:test", subject=address, subject_id=notice.id)
    enqueue_after_commit(session, JOB)
    return notice


def send_again(session: Session, *, workspace_id: uuid.UUID, actor: Actor, notice_id: uuid.UUID) -> AlertNotice:
    """Gives a failed notice a fresh row of tries. Raises NotFound, Conflict when it has not failed."""
    notice = fetch_owned(session, AlertNotice, workspace_id, notice_id)
    changed = change_notice(
        session, notice.id, state=FAILED, values={"state": PENDING, "attempts": 0, "next_attempt_at": utcnow()}
    )
    if not changed:
        raise Conflict("This notice has not failed, so there is nothing to send again.")
    audit.record(
        session,
        workspace_id,
        actor=actor,
        action="alert_notice:send_again",
        subject=notice.target,
        subject_id=notice.id,
    )
    enqueue_after_commit(session, JOB)
    return notice


def change_notice(
    session: Session, notice_id: uuid.UUID, *, state: str, values: dict[str, object], token: str = ""
) -> bool:
    """Changes the notice if it is still in this state (and still ours, with a token)."""
    mine = update(AlertNotice).where(AlertNotice.id == notice_id, AlertNotice.state == state)
    if token:
        mine = mine.where(AlertNotice.lease_token == token)
    done = session.execute(mine.values(**values), execution_options={"synchronize_session": "fetch"})
    return isinstance(done, CursorResult) and done.rowcount == 1
