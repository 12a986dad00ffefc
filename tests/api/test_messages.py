"""Queueing mail over HTTP: on disk before the answer, once for each key, refused by field."""

from __future__ import annotations

import base64
import json
import threading
import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.core.redact import Secret
from mailsetup.outbox import bodies
from mailsetup.outbox.models import UNKNOWN, Message
from tests import factories
from tests.api.conftest import Call, caller, key_of
from tests.people import Person
from tests.valkey_server import ValkeyServer

MAIL: dict[str, Any] = {"to": "me@fabrikam.example", "subject": "Your invoice", "text": "Here it is.\n"}
pytestmark = pytest.mark.usefixtures("config")


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Message)) or 0


def test_it_answers_once_the_mail_is_on_disk(call: Call, session: Session, alice: Person) -> None:
    answer = call("POST", "/messages", json=MAIL)
    assert answer.status_code == 202
    row = session.scalars(select(Message)).one()
    assert answer.json["id"] == str(row.id)
    assert answer.headers["Location"] == f"/api/v1/messages/{row.id}"
    assert b"Your invoice" in bodies.read(session, alice.workspace.id, row.id)


def test_it_takes_a_whole_mail(call: Call, session: Session) -> None:
    raw = b"To: me@fabrikam.example\nBcc: hidden@fabrikam.example\nSubject: Raw\n\nHello\n"
    assert call("POST", "/messages", data=raw, content_type="message/rfc822").status_code == 202
    row = session.scalars(select(Message)).one()
    assert row.recipients_text == "me@fabrikam.example hidden@fabrikam.example"


def test_it_lets_the_envelope_of_a_whole_mail_be_named(call: Call, session: Session) -> None:
    headers = {"X-Mailsetup-To": "only@fabrikam.example", "X-Mailsetup-Priority": "high"}
    raw = b"To: me@fabrikam.example\r\nSubject: Raw\r\n\r\nHello\r\n"
    call("POST", "/messages", data=raw, content_type="message/rfc822", headers=headers)
    row = session.scalars(select(Message)).one()
    assert (row.recipients_text, row.priority_name) == ("only@fabrikam.example", "high")


def test_it_returns_the_first_answer_for_the_same_key_and_body(call: Call, session: Session) -> None:
    headers = {"Idempotency-Key": "order-42"}
    first, second = (call("POST", "/messages", json=MAIL, headers=headers) for _ in range(2))
    assert (first.status_code, first.json) == (second.status_code, second.json)
    assert count(session) == 1


def test_it_refuses_the_same_key_with_another_body(call: Call, session: Session) -> None:
    headers = {"Idempotency-Key": "order-42"}
    call("POST", "/messages", json=MAIL, headers=headers)
    answer = call("POST", "/messages", json={**MAIL, "subject": "Other"}, headers=headers)
    assert (answer.status_code, answer.content_type, count(session)) == (409, "application/problem+json", 1)


def test_it_makes_one_row_of_twenty_requests_at_once(app: Flask, session: Session, alice: Person) -> None:
    key, found = key_of(session, alice), []
    session.commit()
    barrier = threading.Barrier(20)

    def post() -> None:
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "order-42"}
        # The tests' own client shares one session; threads each need a plain one.
        client = FlaskClient(app, app.response_class)
        barrier.wait()
        found.append(client.post("/api/v1/messages", json=MAIL, headers=headers).get_json())

    threads = [threading.Thread(target=post) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert len({answer["id"] for answer in found}) == 1
    assert count(session) == 1


def test_it_accepts_while_redis_is_down(call: Call, session: Session, valkey: ValkeyServer) -> None:
    valkey.kill()
    assert call("POST", "/messages", json=MAIL).status_code == 202
    assert count(session) == 1


BAD: list[tuple[Any, str]] = [
    ({}, "to"),
    ({**MAIL, "to": []}, "to"),
    ({**MAIL, "to": "a@b.example\r\nBcc: x@evil.example"}, "to"),
    ({**MAIL, "subject": "=?utf-8?q?a=0D=0ABcc:_x=40evil.example?="}, "subject"),
    ({**MAIL, "from": "ceo@northwind.example"}, "from"),
    ({**MAIL, "colour": "red"}, "colour"),
    ({**MAIL, "config": "Nowhere"}, "config"),
    ({**MAIL, "config": 7}, "config"),
    ({**MAIL, "send_at": "tomorrow"}, "send_at"),
    ({**MAIL, "send_at": "2030-01-01T00:00:00"}, "send_at"),
    ({**MAIL, "expires_at": 12}, "expires_at"),
    ({**MAIL, "priority": "urgent"}, "priority"),
    ({**MAIL, "priority": ["high"]}, "priority"),
    ({**MAIL, "metadata": {"a": 1}}, "metadata"),
    ({**MAIL, "metadata": {"a": "\x00"}}, "metadata"),
    ({**MAIL, "text": "a\x00b"}, "text"),
    ({**MAIL, "headers": {"X-A": "a\r\nb"}}, "headers.X-A"),
    ({**MAIL, "attachments": [{"filename": "a", "content_base64": "?"}]}, "attachments[0].content_base64"),
]


@pytest.mark.parametrize(("body", "field"), BAD, ids=[f"{field}-{at}" for at, (_, field) in enumerate(BAD)])
def test_it_names_the_wrong_field_and_changes_nothing(call: Call, session: Session, body: Any, field: str) -> None:
    answer = call("POST", "/messages", json=body)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert answer.json["errors"][field]
    assert count(session) == 0


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"subject": "\\ud800"}', "application/json", 400),
        (b'{"subject": NaN}', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b"not a mail", "message/rfc822", 422),
        (b"", "message/rfc822", 422),
    ],
)
def test_it_refuses_what_it_cannot_read(
    call: Call, session: Session, data: bytes, content_type: str, status: int
) -> None:
    answer = call("POST", "/messages", data=data, content_type=content_type)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert count(session) == 0


def test_it_refuses_thirty_megabytes_of_attachment(call: Call, session: Session) -> None:
    content = base64.b64encode(b"x" * 28_000_000).decode()
    answer = call("POST", "/messages", json={**MAIL, "attachments": [{"filename": "big", "content_base64": content}]})
    assert answer.status_code == 422
    assert "25 MB" in answer.json["errors"]["attachments"]
    assert call("POST", "/messages", data=b"x" * 42_000_000, content_type="message/rfc822").status_code == 413
    assert count(session) == 0


def test_it_answers_each_item_of_a_batch_in_order(call: Call, session: Session) -> None:
    items = [MAIL, {**MAIL, "to": "nobody"}, 5, {**MAIL, "idempotency_key": "a"}, {**MAIL, "idempotency_key": "a"}]
    answer = call("POST", "/messages/batch", json={"messages": items})
    results = answer.json["results"]
    assert answer.status_code == 202
    assert [result.get("status", result.get("error", {}).get("status")) for result in results] == [
        "queued", 422, 422, "queued", "queued",
    ]  # fmt: skip
    assert results[3]["id"] == results[4]["id"]
    assert count(session) == 2


@pytest.mark.parametrize("messages", [None, [], {}, [MAIL] * 501])
def test_it_limits_a_batch(call: Call, messages: Any) -> None:
    assert call("POST", "/messages/batch", json={"messages": messages}).status_code == 422


def test_it_shows_a_message_and_cancels_it(call: Call) -> None:
    path = f"/messages/{call('POST', '/messages', json=MAIL).json['id']}"
    shown = call("GET", path).json
    assert (shown["status"], shown["attempts"], shown["from"]) == ("queued", [], "ar@northwind.example")
    assert call("POST", f"{path}/cancel").json["status"] == "cancelled"
    assert call("POST", f"{path}/cancel").status_code == 409
    assert call("POST", f"{path}/retry").json["status"] == "queued"


def test_it_ends_a_doubt(call: Call, session: Session) -> None:
    row = session.get_one(Message, uuid.UUID(call("POST", "/messages", json=MAIL).json["id"]))
    row.status = UNKNOWN
    assert call("POST", f"/messages/{row.id}/resolve", json={"outcome": "maybe"}).status_code == 422
    assert call("POST", f"/messages/{row.id}/resolve", json={"outcome": "sent"}).json["status"] == "sent"


def test_it_finds_messages_a_page_at_a_time(call: Call) -> None:
    for number in range(5):
        call("POST", "/messages", json={**MAIL, "subject": f"Invoice {number}", "metadata": {"order": str(number)}})
    first = call("GET", "/messages?limit=3").json
    rest = call("GET", f"/messages?limit=3&cursor={first['next_cursor']}").json
    subjects = [message["subject"] for message in first["messages"] + rest["messages"]]
    assert subjects == [f"Invoice {number}" for number in (4, 3, 2, 1, 0)]
    assert rest["next_cursor"] is None
    assert [one["subject"] for one in call("GET", "/messages?metadata.order=2").json["messages"]] == ["Invoice 2"]
    assert len(call("GET", "/messages?text=invoice%203").json["messages"]) == 1
    assert len(call("GET", "/messages?text=100%25&status=queued&config=Invoices").json["messages"]) == 0


@pytest.mark.parametrize(
    "query",
    ["status=gone", "cursor=x", "limit=0", "limit=1e3", "since=yesterday", "colour=red", "config=Nowhere", "text=%00",
     "metadata.a=%00", "since=0001-01-01T00:00:00Z", "since=0001-01-01", "since=9999-12-31T23:59:59-05:00"],
)  # fmt: skip
def test_it_refuses_filters_it_does_not_know(call: Call, query: str) -> None:
    assert call("GET", f"/messages?{query}").status_code == 422


def test_it_hides_other_workspaces(call: Call, session: Session, charlie: Person, app: Flask) -> None:
    other = caller(app.test_client(), key_of(session, charlie))
    path = f"/messages/{call('POST', '/messages', json=MAIL).json['id']}"
    for method, suffix in (("GET", ""), ("POST", "/cancel"), ("POST", "/retry"), ("POST", "/resolve")):
        answer = other(method, f"{path}{suffix}", json={"outcome": "sent"} if suffix == "/resolve" else None)
        assert answer.status_code == 404
    assert other("GET", "/messages").json["messages"] == []


def test_it_names_no_setup_of_another_workspace(call: Call, session: Session, charlie: Person) -> None:
    foreign = factories.make_config(session, charlie.workspace, name="Theirs")
    for given in (str(foreign.id), "Theirs"):
        assert call("POST", "/messages", json={**MAIL, "config": given}).json["errors"]["config"]


def test_it_keeps_the_key_out_of_every_answer_and_of_redis(
    call: Call, session: Session, alice: Person, client: Any, valkey: ValkeyServer, capfd: pytest.CaptureFixture[str]
) -> None:
    key = Secret(key_of(session, alice, name="Canary"))
    answers = [caller(client, key.reveal())("POST", "/messages", json=body) for body in (MAIL, {}, {**MAIL, "to": 1})]
    kept = [valkey.connection.dump(name) or b"" for name in valkey.connection.scan_iter("*")]
    seen = json.dumps([answer.get_data(as_text=True) for answer in answers]) + str(kept) + "".join(capfd.readouterr())
    assert key.reveal() not in seen
