"""What a person may do to a mail, in which state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.errors import Conflict, InvalidInput
from mailsetup.outbox import actions
from mailsetup.outbox.ledger import ledger
from mailsetup.outbox.models import CANCELLED, FAILED, QUEUED, SENDING, SENT, STATUSES, UNKNOWN, MessageBody
from mailsetup.outbox.sweep import sweep
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.models import AuditEvent
from tests.outbox.conftest import Queue
from tests.outbox.smtp_server import Server

Send = Callable[[], None]
pytestmark = pytest.mark.usefixtures("config")


def test_it_cancels_a_mail_before_it_is_on_its_way(queue: Queue, send: Send, smtp: Server, session: Session) -> None:
    row = queue()
    actions.cancel(session, row, actor=SYSTEM)
    send()
    assert (row.status, smtp.mails) == (CANCELLED, [])
    assert session.scalar(select(AuditEvent.action).where(AuditEvent.subject_id == str(row.id))) == "message:cancel"


@pytest.mark.parametrize("ends", ["cancelled", "expired"])
def test_it_says_where_the_draft_of_a_mail_is_that_will_not_go(queue: Queue, session: Session, ends: str) -> None:
    row = queue()
    row.handle, row.expires_at = "AAk-draft", utcnow() - timedelta(seconds=ends == "expired")
    session.commit()
    if ends == "cancelled":
        actions.cancel(session, row, actor=SYSTEM)
    else:
        sweep(session)
        session.refresh(row)
    assert row.status == ends
    assert "Drafts" in str(row.last_explanation)


@pytest.mark.parametrize("status", [SENDING, SENT, FAILED, CANCELLED, UNKNOWN])
def test_it_does_not_cancel_what_is_on_its_way_or_over(queue: Queue, session: Session, status: str) -> None:
    row = queue()
    row.status = status
    session.commit()
    with pytest.raises(Conflict, match="cannot be cancelled: it "):
        actions.cancel(session, row, actor=SYSTEM)
    assert row.status == status


def test_it_sends_a_failed_mail_again(queue: Queue, send: Send, smtp: Server, session: Session) -> None:
    smtp.answers["RCPT"] = ["550 5.1.1 no such user"]
    row = queue()
    send()
    assert row.status == FAILED
    actions.retry(session, row, actor=SYSTEM)
    send()
    assert (row.status, row.attempt_count, len(smtp.mails)) == (SENT, 2, 1)


def test_it_does_not_send_again_what_was_accepted(queue: Queue, send: Send, session: Session) -> None:
    row = queue()
    send()
    with pytest.raises(Conflict):
        actions.retry(session, row, actor=SYSTEM)


def test_it_does_not_send_again_without_content(queue: Queue, session: Session) -> None:
    row = queue()
    session.execute(delete(MessageBody))
    session.commit()
    with pytest.raises(Conflict, match="no longer kept"):
        actions.retry(session, row, actor=SYSTEM)


def test_it_ends_the_doubt_about_a_mail(queue: Queue, session: Session) -> None:
    row = queue()
    row.status = UNKNOWN
    session.commit()
    actions.resolve(session, row, "sent", actor=SYSTEM)
    assert (row.status, row.recipients[0]["state"]) == (SENT, "accepted")
    with pytest.raises(Conflict):
        actions.resolve(session, row, "sent", actor=SYSTEM)


def test_it_sends_a_doubtful_mail_again_as_possible_duplicate(
    queue: Queue, send: Send, smtp: Server, session: Session
) -> None:
    row = queue()
    row.status = UNKNOWN
    session.commit()
    actions.resolve(session, row, "resend", actor=SYSTEM)
    assert (row.status, row.possible_duplicate) == (QUEUED, True)
    send()
    assert row.status == SENT


def test_it_refuses_another_outcome(queue: Queue, session: Session) -> None:
    with pytest.raises(InvalidInput):
        actions.resolve(session, queue(), "lost", actor=SYSTEM)


def test_it_balances_the_ledger(queue: Queue, session: Session) -> None:
    for status in STATUSES:
        queue().status = status
    session.commit()
    found = ledger(session)
    assert (found.accepted, found.in_flight, found.balances) == (8, 4, True)
