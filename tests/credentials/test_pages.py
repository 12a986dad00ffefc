"""The pages of credentials, as people of each role use them."""

from __future__ import annotations

import pytest

from tests.factories import make_credential


def test_it_says_what_credentials_are_for_when_there_are_none(alice):
    page = alice.client.get("/credentials")
    assert page.status_code == 200
    assert "No credentials yet" in page.text
    assert "/credentials/new" in page.text


def test_it_lists_and_shows_a_credential(alice, session):
    credential = make_credential(session, alice.workspace, name="Mail server login")
    assert "Mail server login" in alice.client.get("/credentials").text
    page = alice.client.get(f"/credentials/{credential.id}")
    assert "SMTP user name and password" in page.text
    assert "mailer" in page.text


@pytest.mark.parametrize("path", ["", "?type=smtp_login", "?type=microsoft_app"])
def test_it_offers_the_forms(alice, path):
    assert alice.client.get(f"/credentials/new{path}").status_code == 200
