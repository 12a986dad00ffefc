"""Webhooks: a receiver that knows the standard believes them, and every way to fail ends in words."""

from __future__ import annotations

import base64
import json
import secrets

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from mailsetup.core.egress import Door
from mailsetup.core.redact import Secret
from mailsetup.mail_services import webhooks
from mailsetup.mail_services.webhooks import clean_url, new_secret, post_json, post_signed, signed_headers
from tests.fakes.certificates import self_signed
from tests.fakes.http_server import Answer, HTTPServer
from tests.mail_services.values import Heard

BODY = json.dumps({"type": "alert.opened", "data": {"title": "Mail through “Invoices” has stopped"}}).encode()


@pytest.fixture
def receiver(authority):
    with HTTPServer(authority.server(), lambda _asked: Answer(204)) as running:
        yield running


def sent(receiver, door, **more):
    key = more.pop("key", new_secret())
    return post_signed(f"{receiver.url}/hooks", BODY, message_id="msg_1", secrets=[key], door=door, **more)


def test_a_receiver_verifies_it_with_the_standards_own_package(receiver, door):
    key = new_secret()
    heard = Heard()
    outcome = sent(receiver, door, key=key, report=heard)
    assert (outcome.accepted, outcome.status, heard.names) == (True, 204, list(webhooks.STAGES))
    asked = receiver.requests[0]
    assert Webhook(key.reveal()).verify(asked.body, dict(asked.headers)) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret().reveal()).verify(asked.body, dict(asked.headers))


def test_either_secret_verifies_while_one_replaces_the_other():
    old, new = new_secret(), new_secret()
    headers = signed_headers(BODY, message_id="msg_1", secrets=[new, old])
    for key in (old, new):
        assert Webhook(key.reveal()).verify(BODY, headers)


def test_a_changed_body_or_an_old_one_is_not_believed():
    key = new_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(key.reveal()).verify(BODY + b" ", signed_headers(BODY, message_id="msg_1", secrets=[key]))
    with pytest.raises(WebhookVerificationError):
        headers = signed_headers(BODY, message_id="msg_1", secrets=[key], timestamp=1_600_000_000)
        Webhook(key.reveal()).verify(BODY, headers)


def test_a_secret_has_the_length_the_standard_asks_for():
    key = new_secret().reveal()
    assert key.startswith("whsec_")
    assert len(base64.b64decode(key.removeprefix("whsec_"))) == 32


@pytest.mark.parametrize(
    ("answer", "permanent", "retry_after"),
    [
        (Answer(500), False, None),
        (Answer(429, headers={"Retry-After": "90"}), False, 90),
        (Answer(410), True, None),
        (Answer(302, headers={"Location": "https://evil.example/"}), False, None),
    ],
)
def test_what_is_not_2xx_is_not_accepted_and_no_redirect_is_followed(receiver, door, answer, permanent, retry_after):
    receiver.answer = lambda _asked: answer
    outcome = sent(receiver, door)
    assert (outcome.accepted, outcome.permanent, outcome.retry_after) == (False, permanent, retry_after)
    assert str(answer.status) in outcome.words
    assert len(receiver.requests) == 1


def test_it_says_when_no_answer_came(receiver, door):
    receiver.answer = lambda _asked: Answer(hang_up=True)
    outcome = sent(receiver, door)
    assert (outcome.accepted, outcome.stage) == (False, "accept")
    assert "no answer" in outcome.words


def test_it_keeps_the_receivers_words_without_our_secret_or_the_key_in_the_address(receiver, door):
    key, part = new_secret(), secrets.token_urlsafe(20)
    receiver.answer = lambda asked: Answer(400, f"bad {key.reveal()} at {asked.path}\x1b[31m".encode())
    outcome = post_signed(f"{receiver.url}/hooks/{part}", BODY, message_id="1", secrets=[key], door=door)
    assert outcome.quote == "bad [secret] at [secret] [31m"


def test_it_calls_nobody_on_our_own_network(receiver, authority):
    outcome = sent(receiver, Door((), str(authority.bundle)))
    assert (outcome.accepted, outcome.stage) == (False, "resolve")
    assert "public address" in outcome.words
    assert receiver.connections == 0


@pytest.mark.parametrize("url", ["http://192.0.9.1/", "https://192.0.9.1:465/", "http://192.0.9.1:443/"])
def test_a_public_receiver_is_called_encrypted_and_on_443_only(door, url):
    outcome = post_json(url, BODY, door=door)
    assert (outcome.accepted, outcome.stage) == (False, "resolve")
    assert "https:// on port 443" in outcome.words


def test_a_receiver_in_an_allowed_network_may_be_plain(door):
    with HTTPServer(None, lambda _asked: Answer()) as plain:
        assert sent(plain, door).accepted


def test_a_certificate_that_nobody_vouches_for_is_refused_before_a_word(door, tmp_path):
    with HTTPServer(self_signed(tmp_path), lambda _asked: Answer()) as receiver:
        outcome = sent(receiver, door)
    assert (outcome.accepted, outcome.stage) == (False, "tls")
    assert "signed by itself" in outcome.words
    assert receiver.requests == []


@pytest.mark.parametrize(
    "url", ["", "example.com", "ftp://x.org/", "https://", "https://a:b@x.org/", "https://x.org:99999/", "https://x\n/"]
)
def test_it_refuses_what_is_no_address_for_a_webhook(url, door):
    with pytest.raises(ValueError, match="address"):
        clean_url(url)
    assert not post_json(url, BODY, door=door).accepted


def test_it_signs_with_nothing_but_a_signing_secret():
    with pytest.raises(ValueError, match="signing secret"):
        signed_headers(BODY, message_id="1", secrets=[Secret("whsec_!!!")])
