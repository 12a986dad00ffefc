from __future__ import annotations

import base64
import threading
from email import policy
from types import SimpleNamespace
from typing import Any

import pytest

from tests.processes import until
from tests.sandbox.customer import OUTLOOK, a_mail, a_message, error

MIME = {"Content-Type": "text/plain"}


def test_it_accepts_a_message_from_an_app(box, customer) -> None:
    answer = customer.send(headers={"client-request-id": "my-own-id"})
    assert (answer.status, answer.data, answer.headers["client-request-id"]) == (202, b"", "my-own-id")
    assert "request-id" in answer.headers
    assert [(mail.subject, mail.text.strip()) for mail in box.inbox("me@example.org")] == [("Hello", "Hi")]


def test_it_accepts_mime_and_keeps_its_bytes(box, customer) -> None:
    content = a_mail().as_bytes()
    assert customer.send(body=base64.b64encode(content), headers=MIME).status == 202
    assert box.inbox("me@example.org")[0].content == content


def test_it_sends_to_bcc_and_does_not_show_it(box, customer) -> None:
    content = a_mail().as_bytes(policy=policy.SMTP)
    hidden = b"Bcc: quiet@example.org,\r\n hush@example.org\r\n"
    customer.send(body=base64.b64encode(hidden + content), headers=MIME)
    assert [box.inbox(f"{name}@example.org")[0].content for name in ("quiet", "hush", "me")] == [content] * 3


def test_it_builds_html_and_attachments_from_json(box, customer) -> None:
    content = base64.b64encode(b"%PDF").decode()
    attachment = {"name": "f.pdf", "contentType": "application/pdf", "contentBytes": content}
    body = {"contentType": "HTML", "content": "<b>Hi</b>"}
    customer.send(message=a_message(body=body, attachments=[attachment]))
    mail = box.inbox("me@example.org")[0]
    assert (mail.html.strip(), mail.attachments) == ("<b>Hi</b>", [("f.pdf", "application/pdf", 4)])


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"body": b"%%%", "headers": MIME}, 400, "ErrorMimeContentInvalidBase64String"),
        ({"body": base64.b64encode(b"\r\nno headers"), "headers": MIME}, 400, "ErrorMimeContentInvalid"),
        ({"body": b"{"}, 400, "RequestBodyRead"),
        ({"body": b"{}"}, 400, "ErrorInvalidRequest"),
        ({"message": a_message(toRecipients=[])}, 400, "ErrorInvalidRecipients"),
        ({"message": a_message(toRecipients=[{"emailAddress": {"address": "x"}}])}, 400, "ErrorInvalidRecipients"),
        ({"message": a_message(internetMessageHeaders=[{"name": "References", "value": "x"}])}, 400,
         "InvalidInternetMessageHeader"),
        ({"message": a_message(internetMessageHeaders=[{"name": "x-a", "value": "x"}] * 6)}, 400,
         "InvalidInternetMessageHeaderCollection"),
        ({"message": a_message(**{"from": {"emailAddress": {"address": "admin@contoso.com"}}})}, 403,
         "ErrorSendAsDenied"),
        ({"body": b"x" * (4 * 1024 * 1024 + 1)}, 413, "RequestBodyTooLarge"),
        ({"path": "users/nobody@contoso.com"}, 404, "ErrorInvalidUser"),
        ({"path": "users/00000000-0000-0000-0000-000000000000"}, 404, "Request_ResourceNotFound"),
        ({"path": "users/office@fabrikam.com"}, 404, "ErrorInvalidUser"),
        ({"path": "users/unlicensed@contoso.com"}, 404, "MailboxNotEnabledForRESTAPI"),
        ({"path": "me"}, 400, "BadRequest"),
        ({"token": "x.y.z"}, 401, "InvalidAuthenticationToken"),
    ],
)  # fmt: skip
def test_it_refuses_as_graph_does(box, customer, change: dict[str, Any], status: int, code: str) -> None:
    answer = customer.send(**change)
    assert (answer.status, error(answer)) == (status, code)
    assert box.inbox() == []


def test_it_lets_an_app_send_as_a_mailbox_with_that_right(box, customer) -> None:
    message = a_message(**{"from": {"emailAddress": {"address": "invoices@contoso.com"}}})
    assert customer.send(message=message).status == 202
    assert box.inbox("me@example.org")[0].from_header == "invoices@contoso.com"


def test_it_refuses_a_token_of_another_service(customer) -> None:
    assert customer.send(token=customer.token(OUTLOOK)).status == 401


def test_it_refuses_an_expired_token(box, customer) -> None:
    box.state.token_lifetime = -60
    answer = customer.send()
    assert (answer.status, error(answer)) == (401, "InvalidAuthenticationToken")


def test_it_refuses_a_token_signed_by_somebody_else(box, customer) -> None:
    token = customer.token()
    assert customer.send(token=token[:-8] + "AAAAAAAA").status == 401


def test_it_refuses_old_tokens_at_once_when_consent_is_revoked(box, customer) -> None:
    token = customer.token()
    box.world.revoke_consent()
    answer = customer.send(token=token)
    assert (answer.status, error(answer)) == (403, "ErrorAccessDenied")


def test_it_refuses_revoked_app_tokens_as_unauthenticated(box, customer) -> None:
    token = customer.token()
    box.world.revoke_app_tokens()
    assert customer.send(token=token).status == 401
    assert customer.send().status == 202


def test_it_holds_an_app_to_its_mailboxes(box, customer) -> None:
    box.world.limit_app_to(["invoices@contoso.com"])
    answer = customer.send()
    assert (answer.status, error(answer)) == (403, "ErrorAccessDenied")
    assert customer.send("users/invoices@contoso.com").status == 202


def test_it_throttles_more_than_four_at_once(customer, monkeypatch) -> None:
    token, answers = customer.token(), list[Any]()
    # Four are being served until the others have their answer.
    waits = SimpleNamespace(sleep=lambda _: until(lambda: len(answers) >= 2, seconds=30))
    monkeypatch.setattr("mailsetup.sandbox.graph.time", waits)
    threads = [threading.Thread(target=lambda: answers.append(customer.send(token=token))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    throttled = [answer for answer in answers if answer.status == 429]
    assert len(throttled) == 2
    assert (error(throttled[0]), throttled[0].headers["Retry-After"]) == ("ApplicationThrottled", "1")


def test_it_says_so_when_it_cannot_do_something(customer) -> None:
    answer = customer.pool.request("GET", f"{customer.box.graph_url}/v1.0/me/calendar")
    assert (answer.status, error(answer)) == (400, "BadRequest")
