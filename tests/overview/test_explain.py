"""The page that explains a pasted error: for every member, without a trace, without secrets."""

from __future__ import annotations

import secrets

import pytest

from mailsetup.mail_services.hints import CHANNELS
from tests import factories

EXPIRED = "AADSTS7000222: The provided client secret keys are expired."


def asked(person, **form):
    return person.client.post("/explain", data={"said": EXPIRED, **form})


def test_every_member_finds_the_form(bob):
    page = bob.client.get("/explain")
    assert page.status_code == 200
    assert "The error, as you see it" in page.text
    for channel in CHANNELS:
        assert f'value="{channel}"' in page.text
    assert "I do not know" in page.text


@pytest.mark.parametrize("channel", ["", "entra_token", "telex"])
def test_it_explains_what_was_pasted(bob, channel):
    page = asked(bob, channel=channel)
    assert page.status_code == 200
    assert "The client secret has expired" in page.text
    assert "Your Microsoft admin" in page.text
    assert "Trying again without a change does not help." in page.text


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("the cat sat on the mat", "We do not know this answer well"),
        ("535 5.7.139 Echec", "The words leave room for another cause"),
        ("[Errno 111] Connection refused", "This can pass by itself."),
    ],
)
def test_it_says_how_sure_it_is(bob, said, words):
    assert words in asked(bob, said=said).text


def test_it_asks_for_an_error(bob):
    page = asked(bob, said="  ")
    assert page.status_code == 422
    assert "Paste what the mail service, the program or the page said." in page.text


def test_it_fills_in_the_values_of_a_setup(bob, session):
    config = factories.make_config(session, bob.workspace, name="Invoices")
    page = asked(bob, said="550 5.1.1 x", setup=str(config.id))
    assert page.status_code == 200
    assert "Invoices" in page.text
    page = asked(bob, said="getaddrinfo failed", setup=str(config.id))
    assert f"There is no server named {config.settings['host']}" in page.text


def test_it_knows_no_setup_of_another_workspace(bob, charlie, session):
    other = factories.make_config(session, charlie.workspace, name="Hidden")
    for setup in (str(other.id), "nonsense"):
        page = asked(bob, setup=setup)
        assert page.status_code == 422
        assert "Choose a setup of this workspace." in page.text
        assert "Hidden" not in page.text


def test_it_sets_commands_apart(bob):
    page = asked(bob, said="535 5.7.139 SmtpClientAuthentication is disabled for the Tenant")
    command = "Set-CASMailbox -Identity ADDRESS-OF-THE-MAILBOX -SmtpClientAuthenticationDisabled $false"
    assert f"<code>{command}</code>" in page.text


def test_it_shows_what_was_said_as_text(bob):
    page = asked(bob, said="535 <script>alert(1)</script> <b>no</b>")
    assert "<script>alert" not in page.text
    assert "<b>no</b>" not in page.text


def test_it_repeats_no_token(bob):
    token = f"eyJ{secrets.token_urlsafe(20)}.{secrets.token_urlsafe(20)}.{secrets.token_urlsafe(20)}"
    page = asked(bob, said=f"AADSTS50173 Authorization: Bearer {token}")
    assert token not in page.text


def test_strangers_sign_in_first(client):
    assert client.get("/explain").status_code == 302
    assert client.post("/explain", data={"said": EXPIRED}).status_code == 302


def test_messages_lead_to_it(bob):
    assert 'href="/explain"' in bob.client.get("/messages").text
