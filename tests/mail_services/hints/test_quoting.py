"""What is quoted of an answer: the service's own words, without tokens, and not too long."""

from __future__ import annotations

import secrets

import pytest

from mailsetup.core.redact import QUOTE_LIMIT
from mailsetup.mail_services.explainer import explain_answer
from mailsetup.mail_services.hints.quoting import HIDDEN, Veil, quoted

TOKENS = {
    "jwt": f"eyJ{secrets.token_urlsafe(20)}.{secrets.token_urlsafe(40)}.{secrets.token_urlsafe(20)}",
    "authorization code": f"0.A{secrets.token_urlsafe(6)}.{secrets.token_urlsafe(60)}1",
    "client secret": f"abc8Q~{secrets.token_hex(17)}",
    "key of SendGrid": f"SG.{secrets.token_hex(11)}.{secrets.token_hex(20)}",
}


@pytest.mark.parametrize(
    "before",
    [
        '{"access_token":"',
        '{"refresh_token": "',
        "client_secret=",
        "password: ",
        "Authorization: Bearer ",
        "Authorization: Basic ",
        "AUTH PLAIN ",
        "AUTH XOAUTH2 ",
        "https://mail.example.com/callback?code=",
        "Set-Cookie: ",
        "api_key = ",
        "x-api-key: ",
    ],
)
def test_it_hides_what_stands_after_the_name_of_a_secret(before):
    value = secrets.token_hex(20)
    shown = quoted(f'x {before}{value}" 535 5.7.8 no', Veil({}))
    assert value not in shown
    assert HIDDEN in shown
    assert "535 5.7.8 no" in shown


@pytest.mark.parametrize("shape", TOKENS)
def test_it_hides_tokens_by_their_shape(shape):
    token = TOKENS[shape]
    assert token not in quoted(f"something {token} else", Veil({}))


def test_it_hides_private_keys():
    key = secrets.token_hex(40)
    assert key not in quoted(f"x -----BEGIN RSA PRIVATE KEY-----\n{key}\n", Veil({}))


@pytest.mark.parametrize(
    "words",
    [
        '{"error":{"code":"ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"}}',
        "https://login.microsoftonline.com/error?code=7000215",
        "Fehlercode: 50105",
        "state: failed, code: 535",
        "535 5.7.8 Username and Password not accepted",
        "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the client secret value.",
    ],
)
def test_it_leaves_the_words_of_the_service_alone(words):
    assert quoted(words, Veil({})) == words


def test_it_shows_addresses_and_ids_of_the_context():
    context = {"user": "ar@contoso.com", "trace": "11111111-2222-3333-4444-555555555555", "server": "smtp.example.com"}
    words = "ar@contoso.com at smtp.example.com, 11111111-2222-3333-4444-555555555555"
    assert quoted(words, Veil(context)) == words
    assert "ar@contoso.com" not in quoted(words, Veil({"password": "ar@contoso.com"}))


def test_it_cuts_long_words_at_the_end_and_tracebacks_at_the_beginning():
    page = explain_answer("550 5.1.1 " + "x" * 5000, channel="smtp_reply").quote
    assert (len(page), page[-1]) == (QUOTE_LIMIT, "…")
    lines = "Traceback (most recent call last):\n" + "  File x\n" * 2000 + "ConnectionRefusedError: [Errno 111]"
    found = explain_answer(lines, channel="smtp_exception")
    assert found.quote.endswith("ConnectionRefusedError: [Errno 111]")
    assert found.cause == "connection_refused"


def test_no_part_of_a_secret_is_left_at_the_cut():
    secret = secrets.token_hex(400)
    for gap in range(7000, 8800, 90):
        shown = quoted("x" * gap + secret + "y" * 9000, Veil({"password": secret}))
        assert secret[:12] not in shown
    assert secret[-12:] not in quoted("y" * 9000 + secret + "x" * 7900, Veil({"password": secret}), last_words=True)


def test_it_quotes_the_words_of_a_page_without_its_tags():
    found = explain_answer(
        "<html><style>p{}</style><body><p>Access&nbsp;denied</p></body></html>", channel="http_other"
    )
    assert found.quote == "Access denied"
