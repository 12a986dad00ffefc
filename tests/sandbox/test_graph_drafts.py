"""Drafts as Graph has them: made, completed, sent once, looked up."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from mailsetup.sandbox import Sandbox
from tests.sandbox.customer import Customer, a_mail, error

Call = Callable[..., Any]
LARGE = bytes(3_100_000)


@pytest.fixture
def call(box: Sandbox, customer: Customer) -> Call:
    box.world.allow_drafts()
    token = customer.token()

    def called(method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind, "Prefer": 'IdType="ImmutableId"'}
        given = body if isinstance(body, bytes) else json.dumps(body)
        address = f"{box.graph_url}/v1.0/users/ar@contoso.com/messages{path}"
        return customer.pool.request(method, address, body=given, headers=headers)

    return called


def draft(call: Call) -> tuple[str, str]:
    """A new draft: its id as an address has it, and its Message-ID."""
    mail = a_mail()
    mail["Message-ID"] = "<it's-1@contoso.com>"
    answer = call("POST", "", base64.b64encode(mail.as_bytes()), "text/plain")
    assert (answer.status, answer.json()["isDraft"]) == (201, True)
    return "/" + quote(answer.json()["id"], safe=""), answer.json()["internetMessageId"]


def test_it_sends_a_draft_once(call: Call, box: Sandbox) -> None:
    made, _message_id = draft(call)
    assert call("POST", f"{made}/send").status == 202
    assert (call("POST", f"{made}/send").status, len(box.inbox("me@example.org"))) == (404, 1)
    assert call("GET", f"{made}?$select=id,isDraft").json()["isDraft"] is False


def test_it_finds_a_message_by_its_message_id(call: Call) -> None:
    made, message_id = draft(call)
    asked = quote("internetMessageId eq '{}'".format(message_id.replace("'", "''")))
    assert ["/" + quote(one["id"], safe="") for one in call("GET", f"?$filter={asked}").json()["value"]] == [made]
    assert (call("DELETE", made).status, call("GET", made).status) == (204, 404)
    assert call("GET", f"?$filter={asked}").json()["value"] == []


def test_it_takes_a_large_attachment_in_pieces(call: Call, box: Sandbox, customer: Customer) -> None:
    made, _message_id = draft(call)
    item = {"attachmentType": "file", "name": "f.zip", "size": len(LARGE), "contentType": "application/zip"}
    small = call("POST", f"{made}/attachments/createUploadSession", {"AttachmentItem": {**item, "size": 9}})
    assert (small.status, error(small)) == (400, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize")
    url = call("POST", f"{made}/attachments/createUploadSession", {"AttachmentItem": item}).json()["uploadUrl"]
    answers = []
    for first, last in ((0, 1_999_999), (2_000_000, len(LARGE) - 1)):
        span = {"Content-Range": f"bytes {first}-{last}/{len(LARGE)}"}
        answers.append(customer.pool.request("PUT", url, body=LARGE[first : last + 1], headers=span))
    assert ([one.status for one in answers], answers[0].json()["nextExpectedRanges"]) == ([200, 201], ["2000000"])
    call("POST", f"{made}/send")
    assert box.inbox("me@example.org")[0].attachments == [("f.zip", "application/zip", len(LARGE))]


def test_it_opens_no_drafts_without_the_permission(call: Call, box: Sandbox) -> None:
    box.world.allow_drafts(allowed=False)
    answer = call("POST", "", base64.b64encode(a_mail().as_bytes()), "text/plain")
    assert (answer.status, error(answer)) == (403, "ErrorAccessDenied")
