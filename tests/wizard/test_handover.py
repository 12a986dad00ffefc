"""The link for a customer's Microsoft admin: no account, nothing secret to send, nothing believed."""

import html
import re
import secrets
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from mailsetup.core.clock import utcnow
from mailsetup.credentials.models import Credential
from mailsetup.credentials.vault import credential_value
from mailsetup.wizard.models import Handover
from mailsetup.workspaces.models import AuditEvent
from tests.outbound.conftest import box
from tests.outbound.microsoft_world import BASE_URL, make_setup, settings_for
from tests.sandbox.person import Person

__all__ = ["box"]
CALLBACK = "/handover/callback"


@pytest.fixture
def settings_changes(box):
    box.world.add_redirect_uri(f"{BASE_URL}{CALLBACK}")
    return settings_for(box)


@pytest.fixture
def draft(begin):
    return begin("graph_client_credentials")


@pytest.fixture
def make(alice, draft):
    """Makes the draft's link, and gives its path."""

    def make() -> str:
        answer = alice.client.post(f"/setup/{draft.id}/handover")
        found = re.search(r"http://localhost:8000(/handover/[\w-]{43})<", answer.text)
        assert (answer.status_code, bool(found)) == (201, True)
        return found[1] if found else ""

    return make


@pytest.fixture
def ids(box):
    return {"cloud": "global", "tenant_id": box.world.contoso.tenant_id, "client_id": box.world.app.client_id}


def made(session) -> Credential:
    session.rollback()
    found: Credential = session.scalars(select(Credential)).one()
    return found


def row(session) -> Handover:
    session.rollback()
    found: Handover = session.scalars(select(Handover), execution_options={"populate_existing": True}).one()
    return found


def consent(box, client, path) -> str:
    """The admin approves at Microsoft; the address they are sent back to."""
    answer = client.post(f"{path}/consent")
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', answer.text)
    assert found, answer.text
    person = Person()
    person.open(html.unescape(found[1]).replace(box.login_url, box.pages_url))
    person.sign_in(box.world.mailbox("admin@contoso.com"))
    person.submit(decision="accept")
    back = urlsplit(person.at)
    return f"{back.path}?{back.query}"


def test_it_leads_the_admin_from_the_link_to_a_proved_app(box, alice, client, session, draft, make, ids):
    path = make()
    first = client.get(path).text
    assert f"{BASE_URL}{CALLBACK}" in first
    assert "Credentials</" not in first
    assert client.post(f"{path}/app", data=ids).status_code == 302
    box.world.add_certificate(client.get(f"{path}/certificate.cer").text)
    back = consent(box, client, path)
    assert client.get(back.replace(ids["tenant_id"], secrets.token_hex(8))).location == path
    assert client.post(f"{path}/check").status_code == 302
    assert "That is all." in client.get(path).text
    wizard = alice.client.get(f"/setup/{draft.id}/credential").text
    assert (ids["tenant_id"] in wizard, "Use this app and continue" in wizard) == (True, True)
    assert row(session).proved_tenant == ids["tenant_id"]
    assert "client_secret" not in credential_value(session, made(session)).secrets


def test_it_explains_what_microsoft_refuses(client, make, ids):
    path = make()
    client.post(f"{path}/app", data=ids)
    answer = client.post(f"{path}/check")
    assert (answer.status_code, "Your Microsoft admin" in answer.text) == (422, True)
    assert "That is all." not in client.get(path).text


@pytest.mark.parametrize(("name", "value"), [("tenant_id", "not a tenant"), ("client_id", "7"), ("client_id", "")])
def test_it_says_at_the_field_what_is_no_id(client, session, make, ids, name, value):
    answer = client.post(f"{make()}/app", data={**ids, name: value})
    assert (answer.status_code, f'id="f-{name}-error"' in answer.text) == (422, True)
    assert session.scalar(select(Credential)) is None


def test_it_asks_for_the_ids_before_anything_else(client, make):
    path = make()
    assert [client.post(f"{path}/{step}").status_code for step in ("consent", "check")] == [409, 409]
    assert client.get(f"{path}/certificate.cer").status_code == 404


def test_it_takes_no_answer_in_another_browser_and_none_twice(box, app, client, make, ids):
    path = make()
    client.post(f"{path}/app", data=ids)
    back = consent(box, client, path)
    assert app.test_client().get(back).status_code == 404
    assert client.get(back).status_code == 404


def test_it_lets_nobody_move_an_app_that_sends_mail(client, session, make, ids):
    path = make()
    client.post(f"{path}/app", data=ids)
    make_setup(session, made(session), "ar@contoso.com", "graph_client_credentials")
    assert client.post(f"{path}/app", data={**ids, "tenant_id": "fabrikam.com"}).status_code == 409


def test_it_ends_when_revoked_replaced_thrown_away_or_old(alice, client, session, draft, make):
    first = make()
    second = make()
    assert [client.get(path).status_code for path in (first, second)] == [404, 200]
    alice.client.post(f"/setup/{draft.id}/handover/revoke")
    assert client.get(second).status_code == 404
    third = make()
    row(session).expires_at = utcnow() - timedelta(seconds=1)
    session.commit()
    assert client.get(third).status_code == 404
    actions = session.scalars(select(AuditEvent.action)).all()
    assert {"handover:create", "handover:revoke"} <= set(actions)


def test_it_keeps_the_hash_of_the_link_and_asks_admins_alone(bob, charlie, client, session, draft, make):
    secret = make().rpartition("/")[2]
    assert secret not in str(vars(row(session)))
    assert [one.client.post(f"/setup/{draft.id}/handover").status_code for one in (bob, charlie)] == [403, 404]
    assert [client.get(f"/handover/{one}").status_code for one in ("A" * 43, "x", "%00")] == [404, 404, 404]


@pytest.fixture
def make_for(alice, begin):
    """Makes a link for a kind and a type of credential: the draft, and the link's path."""

    def make_for(kind, type_name):
        draft = begin(kind)
        answer = alice.client.post(f"/setup/{draft.id}/handover", data={"type": type_name})
        found = re.search(r"http://localhost:8000(/handover/[\w-]{43})<", answer.text)
        assert found, answer.text
        return draft, found[1]

    return make_for


@pytest.fixture
def allowed(box):
    """What Contoso allowed our app; nobody is asked in other tests unless it is taken back."""
    app, tenant = box.world.platform_app, box.world.contoso.tenant_id
    yield lambda: box.world.consent(app.client_id, tenant)
    box.world.revoke_consent(app.client_id)


def wizard(alice, draft, type_name="") -> str:
    page = alice.client.get(f"/setup/{draft.id}/credential?type={type_name}").text
    return str(page[page.index('id="handover-progress"') :])


def test_it_leads_the_admin_of_an_app_for_smtp(box, alice, client, make_for, ids):
    draft, path = make_for("smtp_xoauth2", "microsoft_app")
    assert "SMTP.SendAsApp" in client.get(path).text
    client.post(f"{path}/app", data=ids)
    box.world.add_certificate(client.get(f"{path}/certificate.cer").text)
    client.post(f"{path}/check")
    page = client.get(path).text
    object_id = box.world.consent(ids["client_id"], ids["tenant_id"]).object_id
    assert ("That is all." in page, f"-ObjectId {object_id} " in page) == (True, True)
    assert "Use this app and continue" in wizard(alice, draft, "microsoft_app")


@pytest.mark.parametrize("kind", ["graph_delegated", "smtp_xoauth2"])
def test_it_lets_an_admin_allow_our_app_for_everybody(box, alice, client, session, make_for, allowed, kind):
    draft, path = make_for(kind, "microsoft_grant")
    assert 'hx-trigger="every 5s"' in wizard(alice, draft, "microsoft_grant")
    back = consent(box, client, path)
    assert client.get(back).location == path
    assert client.post(f"{path}/check").status_code == 302
    assert "That is all." in client.get(path).text
    assert row(session).proved_tenant == box.world.contoso.tenant_id
    page = wizard(alice, draft, "microsoft_grant")
    assert "Your organisation allows our app." in page
    assert 'hx-trigger="every 5s"' not in page
    assert (allowed().roles, "graph/Mail.Send.Shared" in allowed().scopes) == ([], False)


def test_it_asks_for_shared_mailboxes_where_they_are_wanted(box, alice, begin, client):
    draft = begin("graph_delegated")
    answer = alice.client.post(f"/setup/{draft.id}/handover", data={"type": "microsoft_grant", "shared": "true"})
    found = re.search(r"http://localhost:8000(/handover/[\w-]{43})<", answer.text)
    assert found
    assert "Mail.Send, Mail.Send.Shared, User.Read" in client.get(found[1]).text
    assert "Mail.Send.Shared" in client.post(f"{found[1]}/consent").text


def test_it_believes_no_tenant_that_the_answer_names(box, alice, client, session, make_for, allowed):
    _draft, path = make_for("graph_delegated", "microsoft_grant")
    back = consent(box, client, path).replace(box.world.contoso.tenant_id, box.world.fabrikam.tenant_id)
    client.get(back)
    answer = client.post(f"{path}/check")
    assert (answer.status_code, row(session).proved_tenant) == (422, "")


class TestWithoutAnAppOfOurs:
    @pytest.fixture
    def settings_changes(self, box):
        box.world.add_redirect_uri(f"{BASE_URL}{CALLBACK}")
        return {**settings_for(box), "microsoft_client_id": ""}

    def test_it_makes_an_app_that_people_sign_in_through(self, box, alice, client, session, make_for, ids):
        draft, path = make_for("graph_delegated", "microsoft_grant")
        page = client.get(path).text
        assert all(f"{BASE_URL}{back}" in page for back in (CALLBACK, "/setup/microsoft/callback"))
        early = alice.client.post(f"/setup/{draft.id}/sign-in", data={"app": "handed_over"})
        assert early.status_code == 409
        client.post(f"{path}/app", data=ids)
        box.world.add_certificate(client.get(f"{path}/certificate.cer").text)
        client.post(f"{path}/check")
        assert "Sign in through this app" in wizard(alice, draft)
        leaving = alice.client.post(f"/setup/{draft.id}/sign-in", data={"app": "handed_over"}).text
        assert f"client_id={ids['client_id']}" in html.unescape(leaving)
