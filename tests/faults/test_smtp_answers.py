"""Rows 36-42: what an SMTP server may answer, and what is done about it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert
from mailsetup.core import db
from mailsetup.core.clock import utcnow
from mailsetup.outbound import mailboxes
from mailsetup.outbound.models import BROKEN, DEGRADED, HEALTHY, OutboundConfig
from mailsetup.outbox import queue_mail
from mailsetup.outbox.models import FAILED, QUEUED, SENT, Message
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.fakes.smtp_server import Conversation, SMTPServer
from tests.faults.upkeep import counts, due_now, fresh
from tests.outbox.conftest import Queue, mail
from tests.outbox.smtp_server import Server

Send = Callable[[], None]


@pytest.fixture
def server(config: OutboundConfig, session: Session) -> Iterator[SMTPServer]:
    """A server with extensions in place of the plain one."""
    with SMTPServer() as running:
        config.settings = {**config.settings, "port": running.port}
        session.commit()
        yield running


@pytest.mark.parametrize("verb", ["greeting", "MAIL"])
def test_row_36_the_server_says_421(
    verb: str, config: OutboundConfig, server: SMTPServer, queue: Queue, send: Send, session: Session
) -> None:
    server.replies[verb] = "421 4.3.2 too many connections"
    for _ in range(20):
        queue()
    send()
    # Fewer connections come first; with one left it is a failure like others.
    assert (mailboxes.lanes_now(session, config), counts(session)) == (1, {QUEUED: 20})
    due_now(session)
    send()
    assert (config.health, counts(session)) == (DEGRADED, {QUEUED: 20})
    assert server.connections <= 4
    for _ in range(5):
        due_now(session)
        send()
    # The circuit: a host that refuses every session is left alone until a probe finds it well.
    assert config.health == (BROKEN if verb == "greeting" else DEGRADED)
    before = server.connections
    send()
    assert server.connections == before
    assert counts(session) == {QUEUED: 20}


def test_row_37_the_server_greylists(
    config: OutboundConfig, queue: Queue, send: Send, smtp: Server, session: Session
) -> None:
    smtp.answers["RCPT"] = ["450 4.2.0 greylisted", "451 4.7.1 greylisted"]
    row, pauses = queue(), []
    for _ in range(2):
        send()
        pauses.append(row.next_attempt_at - utcnow())
        due_now(session)
    send()
    assert timedelta(seconds=50) < pauses[0] <= timedelta(seconds=300)
    assert pauses[1] > pauses[0]
    assert (row.status, row.possible_duplicate, len(smtp.mails)) == (SENT, False, 1)
    assert (config.health, session.scalar(select(func.count()).select_from(Alert))) == (HEALTHY, 0)


CODES = [
    f"{code} {status} no such user here".replace("  ", " ")
    for code, status in product(
        ("550", "551", "553", "554", "556"), ("", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.1")
    )
]


def test_row_38_a_recipient_is_refused_in_forty_ways(
    config: OutboundConfig, queue: Queue, send: Send, smtp: Server, session: Session
) -> None:
    assert len(CODES) == 40
    for reply in CODES:
        smtp.answers["RCPT"] = [reply]
        row = queue()
        send()
        recipient = row.recipients[0]
        assert (row.status, recipient["state"]) == (FAILED, "refused"), reply
        assert reply.startswith(recipient["code"])
        assert recipient["text"] == reply
        assert row.attempt_count == 1
    assert (config.health, smtp.mails) == (HEALTHY, [])


def test_row_39_the_mail_is_too_large(
    config: OutboundConfig, server: SMTPServer, queue: Queue, send: Send, session: Session
) -> None:
    large = mail()
    large.set_content(("x" * 70 + "\n") * 20_000)
    too_large = queue(large)
    send()
    assert (too_large.status, server.sent("DATA")) == (FAILED, [])
    server.replies["MAIL"] = ["552 5.3.4 message too big", "452 4.3.1 not enough room", "250 fine"]
    refused = queue()
    send()
    deferred = queue()
    send()
    assert (refused.status, deferred.status, config.health in {HEALTHY, DEGRADED}) == (FAILED, QUEUED, True)
    due_now(session)
    send()
    assert deferred.status == SENT


def test_row_40_the_login_is_refused(
    config: OutboundConfig, server: SMTPServer, workspace: Workspace, send: Send, session: Session
) -> None:
    config.credential_id = factories.make_credential(session, workspace).id
    session.commit()
    with db.session_scope() as own:
        for _ in range(1000):
            queue_mail(own, own.get_one(Workspace, workspace.id), mail())
    send()
    send()
    assert 1 <= len(server.sent("AUTH")) <= 3
    fresh(session)
    assert (config.health, counts(session)) == (BROKEN, {QUEUED: 1000})
    assert session.scalar(select(func.count()).select_from(Alert)) == 1
    assert (session.scalar(select(func.sum(Message.attempt_count))) or 0) <= 3


def test_row_41_some_recipients_are_refused(
    config: OutboundConfig, queue: Queue, send: Send, smtp: Server, session: Session
) -> None:
    smtp.answers["RCPT"] = ["250 fine", "550 5.1.1 no such user", "451 4.7.1 later"]
    row = queue(mail(To="a@fabrikam.example, b@fabrikam.example, c@fabrikam.example"))
    send()
    assert [entry["state"] for entry in row.recipients] == ["accepted", "refused", "waiting"]
    due_now(session)
    send()
    assert [entry["state"] for entry in row.recipients] == ["accepted", "refused", "accepted"]
    assert (row.status, smtp.envelopes[1:]) == (SENT, [("c@fabrikam.example",)])


def endless_lines(talk: Conversation) -> None:
    for _ in range(10_000):
        talk.write("250-" + "x" * 70)


def one_line(talk: Conversation) -> None:
    talk.write(b"250 " + b"x" * 5_000_000)


def binary(talk: Conversation) -> None:
    talk.write(bytes(range(256)) * 4000)


@pytest.mark.parametrize("reply", [endless_lines, one_line, binary])
def test_row_42_the_server_answers_with_a_flood(
    reply: Callable[[Conversation], None],
    config: OutboundConfig,
    server: SMTPServer,
    queue: Queue,
    send: Send,
    session: Session,
) -> None:
    server.replies["MAIL"] = reply
    row = queue()
    tracemalloc.start()
    send()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (row.status, row.possible_duplicate) == (QUEUED, False)
    assert len(row.attempts[0].answer) <= 8192
    assert peak < 16_000_000
    server.replies.clear()
    # Such a server needs a person; what a passed test does afterwards:
    config.health = HEALTHY
    due_now(session)
    send()
    assert row.status == SENT
