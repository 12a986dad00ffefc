"""From the queue to the mail server, and what is written about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox.models import FAILED, QUEUED, SENT, UNKNOWN
from tests.outbox.conftest import Queue, mail
from tests.outbox.smtp_server import Server

Send = Callable[[], None]


def test_it_sends_what_was_queued(config: OutboundConfig, queue: Queue, send: Send, smtp: Server) -> None:
    row = queue()
    send()
    assert (row.status, row.service_id, row.attempt_count) == (SENT, "A1B2", 1)
    assert [attempt.outcome for attempt in row.attempts] == ["sent"]
    assert smtp.envelopes == [("customer@fabrikam.example",)]
    assert b"From: Northwind <ar@northwind.example>\r\n" in smtp.mails[0]


def test_it_keeps_one_connection_for_many_mails(config: OutboundConfig, queue: Queue, send: Send, smtp: Server) -> None:
    for _ in range(12):
        queue()
    send()
    assert len(smtp.mails) == 12
    assert smtp.connections <= 2


def test_it_ends_a_mail_whose_recipient_is_refused(
    config: OutboundConfig, queue: Queue, send: Send, smtp: Server
) -> None:
    smtp.answers["RCPT"] = ["550 5.1.1 no such user"]
    refused, fine = queue(), queue()
    send()
    assert (refused.status, fine.status) == (FAILED, SENT)
    assert refused.recipients[0]["state"] == "refused"
    assert refused.attempts[0].explanation
    assert config.health == "healthy"


def test_it_never_mails_an_accepted_recipient_again(
    config: OutboundConfig, queue: Queue, send: Send, smtp: Server, session: Session
) -> None:
    smtp.answers["RCPT"] = ["250 fine", "451 4.7.1 greylisted", "250 fine"]
    row = queue(mail(To="a@fabrikam.example, b@fabrikam.example, c@fabrikam.example"))
    send()
    assert row.status == QUEUED
    assert [entry["state"] for entry in row.recipients] == ["accepted", "waiting", "accepted"]
    row.next_attempt_at = utcnow()
    send()
    assert row.status == SENT
    assert smtp.envelopes[1] == ("b@fabrikam.example",)
    assert smtp.mails[0] == smtp.mails[1]


def test_it_tries_a_greylisted_mail_again_after_a_minute(
    config: OutboundConfig, queue: Queue, send: Send, smtp: Server
) -> None:
    smtp.answers["RCPT"] = ["450 4.2.0 greylisted"]
    row = queue()
    send()
    assert row.status == QUEUED
    assert timedelta(seconds=30) < row.next_attempt_at - utcnow() < timedelta(seconds=70)
    assert config.health == "healthy"


def test_it_stops_the_setup_and_keeps_its_mail_when_the_service_refuses_the_login(
    config: OutboundConfig, queue: Queue, send: Send, smtp: Server, session: Session
) -> None:
    smtp.answers["EHLO"] = ["530 5.7.57 Client not authenticated to send mail"] * 5
    rows = [queue() for _ in range(30)]
    send()
    assert config.health == "broken"
    assert {row.status for row in rows} == {QUEUED}
    assert smtp.connections <= 2
    assert sum(row.attempt_count for row in rows) <= 2


def test_it_pauses_the_setup_after_a_failure_that_may_pass(
    config: OutboundConfig, queue: Queue, send: Send, smtp: Server
) -> None:
    smtp.answers["EHLO"] = ["421 4.3.2 busy"] * 5
    rows = [queue() for _ in range(30)]
    send()
    assert config.health == "degraded"
    assert config.blocked_until is not None
    assert config.blocked_until > utcnow()
    assert all(row.next_attempt_at <= utcnow() for row in rows)
    assert smtp.connections <= 2


def test_it_sends_again_and_says_so_when_the_answer_was_lost(
    config: OutboundConfig, queue: Queue, send: Send, smtp: Server
) -> None:
    smtp.answers["."] = ["hang up"]
    row = queue()
    send()
    assert (row.status, row.possible_duplicate, row.attempts[0].outcome) == (QUEUED, True, "unknown")
    row.next_attempt_at, config.blocked_until = utcnow(), None
    send()
    assert row.status == SENT
    assert smtp.mails[0] == smtp.mails[1]


def test_it_holds_a_mail_of_unknown_outcome_when_the_setup_says_so(
    config: OutboundConfig, queue: Queue, send: Send, smtp: Server
) -> None:
    config.unknown_policy = "hold"
    smtp.answers["."] = ["hang up"]
    row = queue()
    send()
    assert (row.status, len(smtp.mails)) == (UNKNOWN, 1)
