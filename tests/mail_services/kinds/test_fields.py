"""What each kind asks for, and what it says to wrong answers."""

from __future__ import annotations

from typing import Any

import pytest

from mailsetup.core.errors import InvalidInput
from mailsetup.mail_services import registry

SMTP = {"host": "smtp.example.com", "port": "587", "tls": "starttls", "from_address": "ar@contoso.com"}


def clean(kind: str, raw: dict[str, str], platform) -> dict[str, Any]:
    return registry.get(kind).clean(raw, platform=platform)


def test_smtp_keeps_the_certificate_of_an_own_authority(platform, authority):
    pem = authority.bundle.read_text()
    assert clean("smtp_basic", {**SMTP, "ca_pem": f"Our CA:\n{pem}"}, platform)["ca_pem"].strip() == pem.strip()


def wrong(kind: str, raw: dict[str, str], platform) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        clean(kind, raw, platform)
    return refused.value.fields


def test_smtp_takes_what_was_typed(platform):
    raw = {**SMTP, "host": " SMTP.example.com ", "port": " 2525 ", "from_name": "Contoso"}
    assert clean("smtp_basic", raw, platform) == {
        "host": "smtp.example.com",
        "port": 2525,
        "tls": "starttls",
        "username": "",
        "from_address": "ar@contoso.com",
        "from_name": "Contoso",
        "allow_plain_login": False,
    }


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"port": "465"}, "tls", "TLS from the start"),
        ({"port": "587", "tls": "implicit"}, "tls", "STARTTLS"),
        ({"tls": "ssl"}, "tls", "Choose one"),
        ({"host": ""}, "host", "Type the mail server"),
        ({"host": "smtp://x.org"}, "host", "host name alone"),
        ({"port": "70000"}, "port", "Type a port"),
        ({"from_address": "nobody"}, "from_address", "Type an address"),
        ({"from_address": ""}, "from_address", "Type the address"),
        ({"from_name": "a\r\nBcc: x@y.z"}, "from_name", "line break"),
        ({"from_name": "=?utf-8?q?a=0d=0aBcc:x?="}, "from_name", "line break"),
        ({"from_name": "x" * 201}, "from_name", "too long"),
        ({"username": "a\x00b"}, "username", "line break"),
        ({"host": "x" * 10_000}, "host", "too long"),
        ({"ca_pem": "hello"}, "ca_pem", "No certificate"),
        ({"ca_pem": "-----BEGIN PRIVATE KEY-----"}, "ca_pem", "private key"),
    ],
)
def test_smtp_says_what_is_wrong_at_the_field(platform, changes, field, words):
    fields = wrong("smtp_basic", {**SMTP, **changes}, platform)
    assert words in fields[field]
    assert set(fields) == {field}


def test_a_password_in_the_clear_needs_no_tls_and_a_tick(platform):
    ticked = {**SMTP, "port": "25", "tls": "none", "allow_plain_login": "on"}
    assert clean("smtp_basic", ticked, platform)["allow_plain_login"] is True
    assert clean("smtp_basic", {**ticked, "port": "587", "tls": "starttls"}, platform)["allow_plain_login"] is False


@pytest.mark.parametrize("kind", ["graph_client_credentials", "graph_delegated", "smtp_xoauth2"])
def test_microsoft_kinds_fix_the_server_and_default_the_mailbox(platform, kind):
    raw = {"from_address": " ar@contoso.com ", "host": "evil.example.com", "port": "1", "tls": "none"}
    settings = clean(kind, raw, platform)
    assert settings["username"] == "ar@contoso.com"
    assert settings["host"] == "localhost"
    assert settings["tls"] != "none"
    assert clean(kind, {**raw, "username": "box@contoso.com"}, platform)["username"] == "box@contoso.com"
    assert "username" in wrong(kind, {**raw, "username": "not an address"}, platform)


@pytest.mark.parametrize("kind", ["graph_client_credentials", "graph_delegated", "smtp_xoauth2"])
def test_fixed_fields_show_the_operators_server(platform, kind):
    shown = {field.name: field for field in registry.get(kind).form_fields(platform)}
    assert shown["host"].default == "localhost"
    assert all(shown[name].fixed for name in ("host", "port", "tls"))


def test_a_sign_in_asks_for_no_more_than_sending(platform):
    graph = registry.get("graph_delegated").sign_in_scopes({}, platform)
    smtp = registry.get("smtp_xoauth2").sign_in_scopes({}, platform)
    assert graph == ("https://graph.microsoft.com/Mail.Send", "https://graph.microsoft.com/User.Read")
    assert smtp == ("https://outlook.office.com/SMTP.Send",)
    assert registry.get("smtp_basic").sign_in_scopes({}, platform) == ()
