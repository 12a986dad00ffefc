"""Signing in at the sandbox's Microsoft, from the wizard and back: pickers, tabs, accounts, shared mailboxes."""

import html
import re
import secrets
from email import message_from_bytes
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from mailsetup.alerts.models import Alert
from mailsetup.credentials.models import Credential
from mailsetup.credentials.vault import public_facts
from mailsetup.mail_services import hints, registry
from mailsetup.mail_services.base import Mail, Report
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound import app_checks
from mailsetup.outbound.connect import connect
from mailsetup.outbound.models import UNVERIFIED
from mailsetup.outbound.renewal import run_renewal
from tests.outbound.microsoft_fixtures import box, grant
from tests.outbound.microsoft_world import BASE_URL, make_grant, make_setup, new_mailbox, settings_for
from tests.sandbox.person import Person

__all__ = ["box", "grant"]


@pytest.fixture
def settings_changes(box):
    box.world.add_redirect_uri(f"{BASE_URL}/setup/microsoft/callback")
    return settings_for(box)


@pytest.fixture
def mailbox(box):
    return new_mailbox(box, aliases=["billing@contoso.com"])


@pytest.fixture
def kind():
    return "graph_delegated"


@pytest.fixture
def draft(begin, kind):
    return begin(kind)


def address_in(answer) -> str:
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', answer.text)
    assert found, answer.text
    return html.unescape(found[1])


def leave(alice, draft, **form) -> str:
    """To Microsoft, as far as its address."""
    return address_in(alice.client.post(f"/setup/{draft.id}/sign-in", data={"app": "platform", **form}))


def at_microsoft(address, mailbox) -> str:
    """Signs in and accepts; the path that Microsoft sends the person back to."""
    person = Person()
    person.open(address)
    person.sign_in(mailbox)
    if person.page:
        person.submit(decision="accept")
    back = urlsplit(person.at)
    return f"{back.path}?{back.query}"


def sign_in(alice, draft, mailbox, **form):
    return alice.client.get(at_microsoft(leave(alice, draft, **form), mailbox))


def sender(alice, draft, *, follow=False, **changes):
    form = {"name": "Invoices", "alerts_address": "it@northwind.example", "action": "next", **changes}
    return alice.client.post(f"/setup/{draft.id}/sender", data=form, follow_redirects=follow)


def test_it_hints_at_the_mailbox_and_lets_the_person_choose(alice, draft, session):
    draft.settings = {"from_address": "ar@contoso.com"}
    session.commit()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(leave(alice, draft)).query).items()}
    assert (asked["login_hint"], asked["prompt"]) == ("ar@contoso.com", "select_account")


BOTH = pytest.mark.parametrize("kind", ["graph_delegated", "smtp_xoauth2"])


@BOTH
def test_it_limits_from_to_what_the_mailbox_has_before_any_test(alice, draft, mailbox, session):
    sign_in(alice, draft, mailbox)
    refused = sender(alice, draft, from_address="invoices@contoso.com", username=mailbox.address)
    assert refused.status_code == 422
    assert f"this sign-in may send as {mailbox.address} or billing@contoso.com only" in html.unescape(refused.text)
    stranger = sender(alice, draft, from_address=mailbox.address, username="ar@contoso.com")
    assert (stranger.status_code, 'id="f-username-error"' in stranger.text) == (422, True)
    for own in (mailbox.address, "billing@contoso.com"):
        assert sender(alice, draft, from_address=own, username=mailbox.address).status_code == 302


@BOTH
@pytest.mark.parametrize("alias", [True, False])
def test_it_says_of_an_alias_what_nobody_can_know_before_the_test(alice, draft, mailbox, alias):
    sign_in(alice, draft, mailbox)
    own = "billing@contoso.com" if alias else mailbox.address
    page = html.unescape(sender(alice, draft, from_address=own, username=mailbox.address, follow=True).text)
    assert (f"Only {mailbox.address} works for certain." in page) is alias


@pytest.mark.parametrize("kind", ["smtp_xoauth2"])
def test_a_refused_alias_is_no_matter_of_send_as_rights(alice, box, draft, mailbox, session):
    sign_in(alice, draft, mailbox)
    with pytest.raises(TransportError) as refused:
        sent(session, box, draft, "billing@contoso.com", mailbox.address)
    found = hints.explain(refused.value, refused.value.context)
    assert (found.cause, mailbox.address in found.steps[0]) == ("alias_denied", True)


def test_it_uses_the_mailbox_and_not_the_name_at_sign_in(alice, draft, mailbox, session):
    sign_in(alice, draft, mailbox)
    page = alice.client.get(f"/setup/{draft.id}/sender").text
    assert f'value="{mailbox.address}"' in page
    facts = public_facts(session, session.scalars(select(Credential)).one())
    assert facts["account_addresses"] == f"{mailbox.address} billing@contoso.com"


@pytest.mark.parametrize(
    ("kind", "right", "says"),
    [
        ("graph_delegated", "send_as", None),
        ("graph_delegated", "on_behalf_of", "mailbox"),
        ("smtp_xoauth2", "send_as", None),
    ],
)
def test_it_sends_from_a_shared_mailbox_once_that_is_allowed(box, alice, draft, mailbox, session, right, says):
    setattr(mailbox, right, ["invoices@contoso.com"])
    sign_in(alice, draft, mailbox, shared="true")
    assert sender(alice, draft, from_address="invoices@contoso.com", username=mailbox.address).status_code == 302
    arrived = message_from_bytes(sent(session, box, draft, "invoices@contoso.com", mailbox.address).content)
    assert arrived["From"] == "invoices@contoso.com"
    assert arrived["Sender"] == (mailbox.address if says else None)


def sent(session, box, draft, sender_address, mailbox_address):
    """A mail through what the sign-in made, as it arrived."""
    made = session.scalars(select(Credential)).one()
    settings = {"username": mailbox_address, "from_address": sender_address}
    service = connect(
        session, workspace_id=draft.workspace_id, kind=draft.kind, settings=settings, credential_id=made.id
    )
    session.commit()
    shopper = f"{secrets.token_hex(4)}@customer.example"
    content = f"From: {sender_address}\r\nTo: {shopper}\r\nSubject: Invoice\r\n\r\nHello\r\n".encode()
    service.deliver(Mail(sender_address, (shopper,), content, "<1@contoso.com>"), Report())
    service.close()
    return box.wait_for_mail(shopper)[-1]


def test_smtp_asks_graph_for_the_addresses_and_connects_when_it_does_not_say(alice, box, begin, mailbox, session):
    draft = begin("smtp_xoauth2")
    asked = leave(alice, draft)
    assert "User.Read" in asked
    box.switch("AADSTS70043")
    answer = alice.client.get(at_microsoft(asked, mailbox))
    box.switch("AADSTS70043", on=False)
    assert answer.location == f"/setup/{draft.id}/sender"
    facts = public_facts(session, session.scalars(select(Credential)).one())
    assert (facts["account_addresses"], facts["account_scopes"].split("/")[-1].split()[0]) == ("", "SMTP.Send")


class TestPersonalAccounts:
    @pytest.fixture(params=["common", "organizations"])
    def accounts(self, request):
        return request.param

    @pytest.fixture
    def settings_changes(self, box, accounts):
        box.world.add_redirect_uri(f"{BASE_URL}/setup/microsoft/callback")
        return {**settings_for(box), "microsoft_accounts": accounts}

    @BOTH
    def test_they_connect_where_the_operator_allows_them(self, alice, box, draft, kind, session, accounts):
        pat = box.world.allow_personal_accounts()
        person = Person()
        person.open(leave(alice, draft))
        person.sign_in(pat)
        if accounts == "organizations":
            assert "AADSTS500208" in person.page
            page = alice.client.post(f"/setup/{draft.id}/explain", data={"said": "AADSTS500208"}).text
            assert "This is a personal Microsoft account" in page
            assert "ask whoever runs this software to let personal accounts in" in page
            return
        person.submit(decision="accept")
        back = urlsplit(person.at)
        assert alice.client.get(f"{back.path}?{back.query}").location == f"/setup/{draft.id}/sender"
        made = session.scalars(select(Credential)).one()
        app_checks.run_check(made.id)
        page = alice.client.get(f"/setup/permissions/{made.id}").text
        wanted = registry.get(kind).sign_in_permission
        assert f"The sign-in allows {wanted} and nothing more than it needs." in page
        assert ("account.live.com/consent/Manage" in page, "myapps.microsoft.com" in page) == (True, False)
        assert sent(session, box, draft, pat.address, pat.address).message["From"] == pat.address


def test_two_tabs_at_once_make_one_credential(alice, draft, mailbox, session):
    tabs = [leave(alice, draft), leave(alice, draft)]
    backs = [at_microsoft(tab, mailbox) for tab in tabs]
    assert [alice.client.get(back).status_code for back in reversed(backs)] == [302, 302]
    made = session.scalars(select(Credential)).one()
    assert (made.id, made.version) == (draft.credential_id, 2)


def reconnect_as(alice, grant, mailbox):
    """Signs in again as somebody; the page, and the state that confirms another account."""
    address = address_in(alice.client.post(f"/setup/reconnect/{grant.id}"))
    answer = alice.client.get(at_microsoft(address, mailbox))
    found = re.search(r'name="state" value="([^"]+)"', answer.text)
    return answer, found[1] if found else ""


def test_it_changes_the_account_only_when_that_is_confirmed(alice, box, grant, mailbox, session):
    config = make_setup(session, grant, mailbox.address)
    other = new_mailbox(box)
    answer, state = reconnect_as(alice, grant, other)
    assert (answer.status_code, f"You signed in as {other.address}" in answer.text) == (409, True)
    assert public_facts(session, grant)["account_oid"] == mailbox.object_id
    changed = alice.client.post(f"/setup/reconnect/{grant.id}/change", data={"state": state})
    assert changed.location == f"/outbound/{config.id}"
    session.refresh(config)
    assert public_facts(session, grant)["account_oid"] == other.object_id
    assert (config.health, config.settings["username"]) == (UNVERIFIED, other.address)
    again = alice.client.post(f"/setup/reconnect/{grant.id}/change", data={"state": state})
    assert again.status_code == 400


@pytest.mark.parametrize("asked", [True, False])
def test_from_follows_the_account_where_somebody_wants_it(alice, box, grant, mailbox, session, asked):
    config = make_setup(session, grant, mailbox.address)
    other = new_mailbox(box)
    answer, state = reconnect_as(alice, grant, other)
    assert f"Change the From address to {other.address}" in answer.text
    said = {"state": state, **({"new_from": "true"} if asked else {})}
    page = alice.client.post(f"/setup/reconnect/{grant.id}/change", data=said, follow_redirects=True).text
    session.refresh(config)
    sends_as = other.address if asked else mailbox.address
    assert (config.from_address, config.settings["from_address"]) == (sends_as, sends_as)
    assert (f"still sends as {mailbox.address}" in page) is not asked


def test_from_of_a_shared_mailbox_stays(alice, box, grant, mailbox, session):
    config = make_setup(session, grant, "team@contoso.com")
    answer, state = reconnect_as(alice, grant, new_mailbox(box))
    assert "new_from" not in answer.text
    alice.client.post(f"/setup/reconnect/{grant.id}/change", data={"state": state, "new_from": "true"})
    session.refresh(config)
    assert config.from_address == "team@contoso.com"


def test_it_reconnects_for_what_it_was_signed_in_for(alice, session, mailbox):
    unused = make_grant(session, alice.workspace, mailbox, "smtp_xoauth2")
    assert "SMTP.Send" in address_in(alice.client.post(f"/setup/reconnect/{unused.id}"))


def test_name_pages_and_alerts_follow_the_account(alice, box, grant, mailbox, session):
    box.world.change_mailbox(mailbox.address, blocked=True)
    run_renewal(grant.id)
    app_checks.keep(session, app_checks.question(session, grant), {"permissions": "Mail.Send Mail.ReadWrite"})
    session.commit()
    other = new_mailbox(box)
    _answer, state = reconnect_as(alice, grant, other)
    alice.client.post(f"/setup/reconnect/{grant.id}/change", data={"state": state})
    session.refresh(grant)
    assert grant.name == other.address
    alerts = session.scalars(select(Alert).where(Alert.workspace_id == grant.workspace_id))
    assert {alert.cause: (alert.resolved_at is None, alert.subject_label) for alert in alerts} == {
        "sign_in_ended": (False, mailbox.address),
        "app_permissions": (True, other.address),
    }
    assert mailbox.address not in alice.client.get(f"/credentials/{grant.id}").text
    assert asked_again(session, grant)


def asked_again(session, credential) -> bool:
    """Whether the permissions of the account that signed in now are being asked for."""
    check = app_checks.check_of(session, credential)
    return bool(check and check.answered_at and check.tried_at and check.answered_at < check.tried_at)


def test_a_change_is_confirmed_by_who_signed_in_and_for_that_credential(alice, ada, box, grant, session):
    _answer, state = reconnect_as(alice, grant, new_mailbox(box))
    other = make_grant(session, alice.workspace, new_mailbox(box))
    assert alice.client.get(f"/setup/microsoft/callback?state={state}").status_code == 400
    _answer, state = reconnect_as(alice, grant, new_mailbox(box))
    assert alice.client.post(f"/setup/reconnect/{other.id}/change", data={"state": state}).status_code == 400
    _answer, state = reconnect_as(alice, grant, new_mailbox(box))
    assert ada.client.post(f"/setup/reconnect/{grant.id}/change", data={"state": state}).status_code == 400


def test_it_explains_an_error_page_on_the_way_to_reconnect(alice, grant):
    path = f"/setup/reconnect/{grant.id}/explain"
    assert "explanation-steps" in alice.client.post(path, data={"said": "AADSTS50105: not assigned"}).text
    answer = alice.client.post(path, data={"said": "no idea"})
    assert (answer.status_code, 'id="f-said-error"' in answer.text) == (422, True)
