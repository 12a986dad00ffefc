"""Notices: written in the transaction of what they tell about, so that one exists for every alert."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from mailsetup.alerts.models import FAILED, PENDING, TESTED, Alert, AlertNotice
from mailsetup.alerts.recipients import Recipient
from mailsetup.core.clock import utcnow
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import Conflict
from mailsetup.core.queues import enqueue_after_commit
from mailsetup.workspaces import audit
from mailsetup.workspaces.audit import Actor

JOB = "mailsetup.alerts.jobs.send_notices"
TESTS_AN_HOUR = 10
HOUR = timedelta(hours=1)


def write_notices(
    session: Session, alert: Alert, event: str, recipients: Iterable[Recipient], *, fallback: bool = False
) -> list[AlertNotice]:
    """A notice by each way, sent as soon as the caller commits, or when its route wants it."""
    now = utcnow()
    notices = [
        AlertNotice(
            workspace_id=alert.workspace_id,
            alert_id=alert.id,
            event=event,
            channel=recipient.channel,
            target=recipient.target,
            route_id=recipient.route_id,
            next_attempt_at=recipient.due or now,
            fallback=fallback,
        )
        for recipient in recipients
    ]
    session.add_all(notices)
    session.flush()
    if notices:
        enqueue_after_commit(session, JOB)
    return notices


def write_test(session: Session, *, workspace_id: uuid.UUID | None, actor: Actor, recipient: Recipient) -> AlertNotice:
    """A test by one way. Raises Conflict when there were many in the last hour."""
    recent = select(func.count()).where(
        AlertNotice.workspace_id == workspace_id,
        AlertNotice.event == TESTED,
        AlertNotice.created_at > utcnow() - HOUR,
    )
    if (session.scalar(recent) or 0) >= TESTS_AN_HOUR:
        raise Conflict(f"{TESTS_AN_HOUR} tests were sent in the last hour. Try again later; nothing was sent now.")
    notice = AlertNotice(
        workspace_id=workspace_id,
        event=TESTED,
        channel=recipient.channel,
        target=recipient.target,
        route_id=recipient.route_id,
    )
    session.add(notice)
    session.flush()
    _note(session, notice, actor, "test")
    enqueue_after_commit(session, JOB)
    return notice


def send_again(session: Session, *, workspace_id: uuid.UUID | None, actor: Actor, notice_id: uuid.UUID) -> AlertNotice:
    """Gives a failed notice a fresh row of tries. Raises NotFound, Conflict when it has not failed."""
    notice = fetch_owned(session, AlertNotice, workspace_id, notice_id)
    changed = change_notice(
        session, notice.id, state=FAILED, values={"state": PENDING, "attempts": 0, "next_attempt_at": utcnow()}
    )
    if not changed:
        raise Conflict("This notice has not failed, so there is nothing to send again.")
    _note(session, notice, actor, "send_again")
    enqueue_after_commit(session, JOB)
    return notice


def _note(session: Session, notice: AlertNotice, actor: Actor, verb: str) -> None:
    if notice.workspace_id is not None:
        action = f"alert_notice:{verb}"
        audit.record(
            session, notice.workspace_id, actor=actor, action=action, subject=notice.target, subject_id=notice.id
        )


def change_notice(
    session: Session, notice_id: uuid.UUID, *, state: str, values: dict[str, object], token: str = ""
) -> bool:
    """Changes the notice if it is still in this state (and still ours, with a token)."""
    mine = update(AlertNotice).where(AlertNotice.id == notice_id, AlertNotice.state == state)
    if token:
        mine = mine.where(AlertNotice.lease_token == token)
    done = session.execute(mine.values(**values), execution_options={"synchronize_session": "fetch"})
    return isinstance(done, CursorResult) and done.rowcount == 1
