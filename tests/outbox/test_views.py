"""The pages of messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import queue_mail
from mailsetup.outbox.models import CANCELLED, UNKNOWN, Message
from mailsetup.workspaces.models import AuditEvent, Workspace
from tests import factories
from tests.outbox.conftest import Queue, mail
from tests.outbox.smtp_server import Server
from tests.people import Person

Send = Callable[[], None]


@pytest.fixture
def workspace(alice: Person) -> Workspace:
    return alice.workspace


def text(person: Person, path: str) -> str:
    page = person.client.get(path)
    assert page.status_code == 200
    return page.get_data(as_text=True)


def test_it_says_what_the_page_is_for_while_it_is_empty(alice: Person) -> None:
    assert "No messages yet" in text(alice, "/messages")


def test_it_lists_and_finds_messages(bob: Person, queue: Queue, config: OutboundConfig) -> None:
    queue(mail(Subject="Invoice 1"))
    queue(mail(Subject="Receipt 2", To="other@fabrikam.example"))
    everything = text(bob, "/messages")
    assert "Invoice 1" in everything
    assert "Receipt 2" in everything
    for query in ("q=invoice", "q=CUSTOMER", f"status=queued&setup={config.id}&q=Invoice"):
        found = text(bob, f"/messages?{query}")
        assert "Invoice 1" in found
        assert "Receipt 2" not in found
    assert "No message matches" in text(bob, "/messages?status=failed")


def test_it_finds_messages_by_day(alice: Person, queue: Queue, config: OutboundConfig) -> None:
    queue(mail(Subject="Invoice 1"))
    today, tomorrow = (utcnow() + timedelta(days=days) for days in (0, 1))
    assert "Invoice 1" in text(alice, f"/messages?from={today:%Y-%m-%d}&to={today:%Y-%m-%d}")
    assert "Invoice 1" not in text(alice, f"/messages?from={tomorrow:%Y-%m-%d}")


@pytest.mark.parametrize("query", ["status=gone", "from=yesterday", "setup=1", "cursor=x"])
def test_it_says_which_filter_it_does_not_understand(alice: Person, query: str) -> None:
    assert alice.client.get(f"/messages?{query}").status_code == 422


def test_it_pages_by_cursor(alice: Person, session: Session, config: OutboundConfig) -> None:
    for number in range(51):
        queue_mail(session, alice.workspace, mail(Subject=f"Mail number {number}."))
    session.commit()
    first = text(alice, "/messages")
    cursor = first.split("cursor=")[1].split('"')[0]
    second = text(alice, f"/messages?cursor={cursor}")
    assert ("Mail number 50." in first, "Mail number 0." in first) == (True, False)
    assert ("Mail number 50." in second, "Mail number 0." in second) == (False, True)


def test_it_shows_each_attempt(bob: Person, queue: Queue, send: Send, smtp: Server, config: OutboundConfig) -> None:
    smtp.answers["RCPT"] = ["550 5.1.1 <b>no such</b> user"]
    row = queue()
    send()
    shown = text(bob, f"/messages/{row.id}")
    assert "Attempt 1: Refused" in shown
    assert "&lt;b&gt;no such&lt;/b&gt; user" in shown
    assert "Send again" not in shown


def test_it_says_what_a_waiting_mail_waits_for(
    alice: Person, queue: Queue, config: OutboundConfig, session: Session
) -> None:
    config.health = "unverified"
    assert "has not passed a test" in text(alice, f"/messages/{queue().id}")


def test_it_cancels_and_sends_again(ada: Person, queue: Queue, config: OutboundConfig) -> None:
    row = queue()
    page = ada.client.post(f"/messages/{row.id}/cancel", follow_redirects=True)
    assert "The mail is cancelled." in page.get_data(as_text=True)
    assert row.status == CANCELLED
    again = ada.client.post(f"/messages/{row.id}/cancel", follow_redirects=True)
    assert "it was cancelled" in again.get_data(as_text=True)
    ada.client.post(f"/messages/{row.id}/retry")
    assert row.status != CANCELLED


def test_it_asks_a_person_about_an_unknown_outcome(
    alice: Person, queue: Queue, config: OutboundConfig, session: Session
) -> None:
    row = queue()
    row.status = UNKNOWN
    assert "It arrived" in text(alice, f"/messages/{row.id}")
    alice.client.post(f"/messages/{row.id}/resolve", data={"outcome": "sent"})
    assert session.scalars(select(Message.status)).one() == "sent"


def test_it_shows_content_to_admins_in_a_frame_without_scripts(
    ada: Person, bob: Person, queue: Queue, config: OutboundConfig, session: Session
) -> None:
    message = mail()
    message.add_alternative(
        "<p onclick='x()'>Hello</p><script>alert(1)</script><IFrame src='//x'></iframe>", subtype="html"
    )
    row = queue(message)
    assert bob.client.get(f"/messages/{row.id}/content").status_code == 403
    page = ada.client.get(f"/messages/{row.id}/content")
    shown = page.get_data(as_text=True)
    assert "<script>alert" not in shown
    assert "&lt;no-IFrame src=" in shown  # a browser would connect to where it leads
    assert 'sandbox referrerpolicy="no-referrer" srcdoc="' in shown
    assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"].split("script-src")[1].split(";")[0]
    assert session.scalars(select(AuditEvent.action).where(AuditEvent.action == "message:view")).all() == [
        "message:view"
    ]


@pytest.mark.parametrize(
    ("method", "suffix"),
    [("GET", ""), ("GET", "/content"), ("POST", "/cancel"), ("POST", "/retry"), ("POST", "/resolve")],
)
def test_it_hides_messages_of_other_workspaces(
    charlie: Person, queue: Queue, config: OutboundConfig, method: str, suffix: str
) -> None:
    row = queue()
    assert charlie.client.open(f"/messages/{row.id}{suffix}", method=method).status_code == 404


@pytest.mark.parametrize("suffix", ["cancel", "retry", "resolve"])
def test_it_does_not_let_members_change(bob: Person, queue: Queue, config: OutboundConfig, suffix: str) -> None:
    row = queue()
    assert bob.client.post(f"/messages/{row.id}/{suffix}").status_code == 403
    assert row.status == "queued"


def test_it_asks_again_only_while_the_mail_is_under_way(
    alice: Person, session: Session, config: OutboundConfig
) -> None:
    message = factories.make_message(session, config)
    path = f"/messages/{message.id}"
    assert 'hx-trigger="every 2s"' in alice.client.get(path).get_data(as_text=True)
    message.status, message.finished_at = "sent", utcnow()
    assert 'hx-trigger="every 2s"' not in alice.client.get(path).get_data(as_text=True)
