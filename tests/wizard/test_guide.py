"""The steps at Microsoft: the same commands and links in the pages and in the manual."""

import re
from pathlib import Path

import pytest

from mailsetup.mail_services.exchange_commands import CLIENT_ID, MAILBOX, OBJECT_ID, ExchangeCommands
from mailsetup.wizard.guide import guide_of, manual

TOP = Path(__file__).parents[2]
CLIENT = "11111111-2222-3333-4444-555555555555"


def test_it_prints_the_manual_with_the_code_of_the_pages(app):
    with app.app_context():
        printed = manual()
    kept = (TOP / "docs/microsoft.md").read_text()
    assert kept == printed, "flask --app app microsoft-manual > docs/microsoft.md"
    for commands in (ExchangeCommands().limit_graph, ExchangeCommands().limit_smtp, ExchangeCommands().smtp_app):
        assert commands in printed


def test_no_link_or_command_of_the_manual_is_written_by_hand():
    source = (TOP / "templates/wizard/microsoft.md").read_text()
    assert re.findall(r"https?://|\b(?:New|Set|Add|Get|Test|Connect)-[A-Z]\w+", source) == []


def test_it_fills_in_what_is_known():
    commands = ExchangeCommands(CLIENT, "object-7", "ar@contoso.com").limit_graph
    assert f"-AppId {CLIENT} -ObjectId object-7" in commands
    assert f"-Identity {CLIENT} -Resource ar@contoso.com" in commands
    assert "<" not in commands


@pytest.mark.parametrize(
    "typed", ["a@b.example; Remove-Mailbox x", "a b", "$(calc)", "`id`", 'x" -y', "a\nb", "x" * 121]
)
def test_it_lets_nothing_but_a_plain_word_into_a_command(typed):
    commands = ExchangeCommands(typed, typed, typed)
    assert (commands.app, commands.service_principal, commands.sender) == (CLIENT_ID, OBJECT_ID, MAILBOX)


def test_it_links_to_the_app_of_the_right_cloud(app):
    with app.app_context():
        guide = guide_of({"client_id": CLIENT, "cloud": "usgov"})
    assert guide.link("secrets").startswith("https://portal.azure.us/#view/")
    assert guide.link("secrets").endswith(f"/Credentials/appId/{CLIENT}/isMSAApp~/false")


@pytest.mark.parametrize("kind", ["graph_client_credentials", "smtp_xoauth2"])
def test_it_shows_the_commands_on_the_page(alice, begin, kind):
    draft = begin(kind)
    page = alice.client.get(f"/setup/{draft.id}/credential?type=microsoft_app").text
    assert "New-ManagementRoleAssignment" in page
    assert "Test-ServicePrincipalAuthorization" in page
