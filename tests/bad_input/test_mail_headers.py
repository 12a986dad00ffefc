"""No field of the API, however spelled, puts a line break into a header, an address or the envelope."""

from typing import Any

import pytest
from sqlalchemy import func, select

from mailsetup.outbox.models import Message
from tests import factories
from tests.api.conftest import caller, key_of
from tests.bad_input.spellings import LINE_BREAKS

MAIL = {"to": "customer@fabrikam.example", "subject": "Hello", "text": "Hello"}
PDF = {"filename": "a.pdf", "content_type": "application/pdf", "content_base64": "QUJD"}
PLACES: dict[str, Any] = {
    "subject": lambda text: {"subject": text},
    "to": lambda text: {"to": f"{text} <a@fabrikam.example>"},
    "to address": lambda text: {"to": f"{text}@fabrikam.example"},
    "to domain": lambda text: {"to": f"a@{text}.example"},
    "cc name": lambda text: {"cc": [{"name": text, "address": "a@fabrikam.example"}]},
    "bcc": lambda text: {"bcc": ["a@fabrikam.example", {"address": text}]},
    "from": lambda text: {"from": {"name": text, "address": "ar@northwind.example"}},
    "reply_to": lambda text: {"reply_to": f"{text} <a@fabrikam.example>"},
    "header": lambda text: {"headers": {"X-Order": text}},
    "header name": lambda text: {"headers": {text: "1"}},
    "list header": lambda text: {"headers": {"List-Unsubscribe": f"<https://fabrikam.example/{text}>"}},
    "message id": lambda text: {"headers": {"Message-ID": f"<{text}@fabrikam.example>"}},
    "filename": lambda text: {"attachments": [{**PDF, "filename": text}]},
    "content type": lambda text: {"attachments": [{**PDF, "content_type": f"text/{text}"}]},
    "content id": lambda text: {"attachments": [{**PDF, "content_id": text}]},
}


@pytest.fixture
def call(client, session, alice):
    factories.make_config(session, alice.workspace, name="Invoices")
    return caller(client, key_of(session, alice))


@pytest.mark.parametrize("place", PLACES)
def test_it_refuses_a_line_break_at_the_field_and_keeps_nothing(call, session, place):
    for spelling, text in LINE_BREAKS.items():
        if place == "header name" and spelling.startswith("encoded"):
            continue  # nobody decodes a header's name (RFC 2047 section 5)
        answer = call("POST", "/messages", json={**MAIL, **PLACES[place](text)})
        assert (answer.status_code, answer.content_type) == (422, "application/problem+json"), spelling
        assert answer.json["errors"], spelling
    assert session.scalar(select(func.count()).select_from(Message)) == 0


@pytest.mark.parametrize("header", ["X-Mailsetup-To", "X-Mailsetup-Config", "Idempotency-Key"])
@pytest.mark.parametrize("spelling", [name for name in LINE_BREAKS if name.startswith(("encoded", "escape"))])
def test_it_takes_no_hidden_line_break_from_an_http_header(call, session, header, spelling):
    raw = b"To: customer@fabrikam.example\r\nSubject: Hello\r\n\r\nHello\r\n"
    headers = {header: LINE_BREAKS[spelling]}
    answer = call("POST", "/messages", data=raw, content_type="message/rfc822", headers=headers)
    harmless = header == "Idempotency-Key" and LINE_BREAKS[spelling].isprintable()
    assert answer.status_code == (202 if harmless else 422)
