"""Signing in at Microsoft: the good way, and everything that can come back wrong."""

import html
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from mailsetup.core.clock import utcnow
from mailsetup.core.redact import Secret
from mailsetup.credentials import token_cache
from mailsetup.credentials.models import Credential
from mailsetup.credentials.vault import credential_value, public_facts
from mailsetup.outbound import health
from mailsetup.outbound.models import BROKEN
from mailsetup.wizard.models import ConsentFlow
from tests import factories
from tests.fakes.certificates import Authority
from tests.fakes.microsoft_server import CLIENT, OBJECT, TENANT, Microsoft, refusal
from tests.outbound.conftest import refused

CALLBACK = "/setup/microsoft/callback"
OWN_SECRET = "own~app-value-1"


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def microsoft(authority):
    with Microsoft(authority.server()) as running:
        yield running


@pytest.fixture
def settings_changes(microsoft, authority):
    return {
        "microsoft_login_url": microsoft.url,
        "graph_url": microsoft.url,
        "ca_bundle": str(authority.bundle),
        "microsoft_client_id": CLIENT,
        "microsoft_client_secret": Secret("platform~value-1"),
    }


def leaves_for(answer) -> dict[str, str]:
    """What the address at Microsoft asks for."""
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', answer.text)
    assert found, answer.text
    address = urlsplit(html.unescape(found[1]))
    return {name: values[0] for name, values in parse_qs(address.query).items()} | {"path": address.path}


@pytest.fixture
def draft(begin):
    return begin("graph_delegated")


@pytest.fixture
def leave(alice, draft, microsoft):
    """Goes to Microsoft; the fake answers to this very question."""

    def leave(person=None, **form) -> dict[str, str]:
        answer = (person or alice).client.post(f"/setup/{draft.id}/sign-in", data={"app": "platform", **form})
        asked = leaves_for(answer)
        microsoft.claims = {"nonce": asked["nonce"]}
        return asked

    return leave


def come_back(person, asked, **changes):
    query = {"code": "auth-code-1", "state": asked["state"], **changes}
    return person.client.get(CALLBACK, query_string={name: value for name, value in query.items() if value})


def connected(session) -> Credential:
    found: Credential = session.scalars(select(Credential)).one()
    return found


def test_it_asks_for_no_more_than_sending(leave):
    asked = leave()
    assert asked["path"] == "/organizations/oauth2/v2.0/authorize"
    assert asked["redirect_uri"] == "http://localhost/setup/microsoft/callback"
    assert asked["code_challenge_method"] == "S256"
    assert asked["response_mode"] == "query"
    assert "Mail.Send" in asked["scope"]
    assert "Mail.Read" not in asked["scope"]


def test_it_connects_the_mailbox_and_goes_on(alice, leave, draft, session):
    answer = come_back(alice, leave())
    assert answer.location == f"/setup/{draft.id}/sender"
    credential = connected(session)
    assert draft.credential_id == credential.id
    facts = public_facts(session, credential)
    assert (facts["account_tid"], facts["account_oid"]) == (TENANT, OBJECT)
    stored = token_cache.load(session, credential.id, credential.version)
    assert stored is not None
    assert "refresh-1" in stored.blob
    page = alice.client.get(answer.location).text
    assert 'value="ar@contoso.com"' in page
    assert "refresh-1" not in page


def test_it_keeps_the_verifier_sealed_and_only_a_hash_of_the_state(leave, session):
    asked = leave()
    flow = session.scalars(select(ConsentFlow)).one()
    assert asked["state"] not in str(vars(flow))
    assert "code_verifier" not in flow.sealed


def test_it_uses_an_app_of_the_organisation_and_seals_its_secret(alice, leave, microsoft, session):
    asked = leave(app="own", tenant_id=TENANT, client_id=CLIENT, client_secret=OWN_SECRET)
    assert asked["path"] == f"/{TENANT}/oauth2/v2.0/authorize"
    assert OWN_SECRET not in str(vars(session.scalars(select(ConsentFlow)).one()))
    come_back(alice, asked)
    assert microsoft.token_requests[-1].form["client_secret"] == OWN_SECRET
    assert credential_value(session, connected(session)).secrets["client_secret"].reveal() == OWN_SECRET


def test_it_says_at_the_field_what_is_missing_of_an_own_app(alice, draft):
    form = {"app": "own", "tenant_id": "contoso", "client_id": "", "client_secret": OWN_SECRET}
    answer = alice.client.post(f"/setup/{draft.id}/sign-in", data=form)
    assert answer.status_code == 422
    assert 'id="f-client_id-error"' in answer.text
    assert OWN_SECRET not in answer.text


def test_it_takes_an_answer_once(alice, leave, session):
    asked = leave()
    come_back(alice, asked)
    answer = come_back(alice, asked)
    assert answer.status_code == 400
    assert "Nothing was changed" in answer.text
    assert session.scalars(select(Credential)).one()


@pytest.mark.parametrize("state", ["", "forged", "x" * 5000])
def test_it_refuses_a_state_that_it_did_not_give(alice, leave, session, microsoft, state):
    answer = come_back(alice, leave(), state=state)
    assert answer.status_code == 400
    assert session.scalars(select(Credential)).all() == []
    assert microsoft.issued == 0


def test_it_refuses_an_answer_after_ten_minutes(alice, leave, session, microsoft):
    asked = leave()
    session.scalars(select(ConsentFlow)).one().expires_at = utcnow() - timedelta(seconds=1)
    session.commit()
    answer = come_back(alice, asked)
    assert "More than 10 minutes passed" in answer.text
    assert (answer.status_code, microsoft.issued) == (400, 0)


@pytest.mark.parametrize("who", ["ada", "charlie", "another browser"])
def test_it_refuses_and_voids_what_somebody_else_began(request, app, alice, leave, microsoft, session, who):
    from tests.people import signed_in_client

    asked = leave()
    if who == "another browser":
        client = signed_in_client(app, alice.user, alice.workspace)
    else:
        client = request.getfixturevalue(who).client
    answer = client.get(CALLBACK, query_string={"code": "auth-code-1", "state": asked["state"]})
    assert (answer.status_code, microsoft.issued) == (400, 0)
    assert come_back(alice, asked).status_code == 400
    assert session.scalars(select(Credential)).all() == []


def test_it_says_what_to_do_when_consent_was_refused(alice, leave, draft, session):
    said = "AADSTS65004: User declined to consent to access the app."
    answer = come_back(alice, leave(), code="", error="access_denied", error_description=said)
    assert answer.status_code == 400
    assert f"/setup/{draft.id}/credential" in answer.text
    assert "explanation-steps" in answer.text
    assert session.scalars(select(Credential)).all() == []


def test_it_names_the_admin_when_microsoft_wants_one(alice, leave):
    said = "AADSTS90094: The grant requires admin permission."
    answer = come_back(alice, leave(), code="", error="consent_required", error_description=said)
    assert "Your Microsoft admin" in answer.text


def test_it_explains_a_code_that_microsoft_does_not_take(alice, leave, microsoft, session):
    microsoft.token_answers = [refusal("invalid_client", 7000215, 401)]
    answer = come_back(alice, leave())
    assert answer.status_code == 400
    assert "Our own app at Microsoft needs a new secret" in answer.text
    assert session.scalars(select(Credential)).all() == []


@pytest.fixture
def grant(alice, leave, session):
    come_back(alice, leave())
    return connected(session)


def reconnect(alice, credential, microsoft) -> dict[str, str]:
    asked = leaves_for(alice.client.post(f"/setup/reconnect/{credential.id}"))
    microsoft.claims = {"nonce": asked["nonce"]}
    return asked


def test_it_connects_the_same_account_again_and_probes_stopped_setups(alice, grant, session, microsoft):
    settings = {"host": "localhost", "from_address": "ar@contoso.com", "username": "ar@contoso.com", "from_name": ""}
    config = factories.make_config(
        session, alice.workspace, kind="graph_delegated", settings=settings, credential=grant
    )
    health.backend_failed(session, config, refused("token", channel="entra_token", code="invalid_grant"))
    assert config.health == BROKEN
    asked = reconnect(alice, grant, microsoft)
    assert asked["login_hint"] == "ar@contoso.com"
    answer = come_back(alice, asked)
    assert answer.location == f"/outbound/{config.id}"
    assert grant.version == 2
    assert config.next_probe_at is not None


def test_it_refuses_another_account_and_says_which_one_is_meant(alice, grant, session, microsoft):
    asked = reconnect(alice, grant, microsoft)
    microsoft.claims |= {"oid": "99999999-2222-3333-4444-555555555555", "preferred_username": "eve@contoso.com"}
    answer = come_back(alice, asked)
    assert answer.status_code == 409
    assert "You signed in as eve@contoso.com, but this credential belongs to ar@contoso.com" in answer.text
    assert grant.version == 1


def test_it_reconnects_only_what_was_made_by_signing_in(alice, bob, charlie, session, grant):
    typed = factories.make_credential(session, alice.workspace)
    assert alice.client.get(f"/setup/reconnect/{typed.id}").status_code == 409
    assert alice.client.get(f"/setup/reconnect/{grant.id}").status_code == 200
    assert bob.client.post(f"/setup/reconnect/{grant.id}").status_code == 403
    assert charlie.client.post(f"/setup/reconnect/{grant.id}").status_code == 404


@pytest.fixture
def app_draft(alice, begin, session):
    raw = {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": OWN_SECRET}
    made = factories.make_credential(session, alice.workspace, type="microsoft_app", raw=raw)
    draft = begin("graph_client_credentials")
    draft.credential_id = made.id
    session.commit()
    return draft


def test_it_sends_a_microsoft_admin_to_approve_the_app(alice, app_draft):
    asked = leaves_for(alice.client.post(f"/setup/{app_draft.id}/admin-consent"))
    assert asked["path"] == f"/{TENANT}/adminconsent"
    assert (asked["client_id"], asked["redirect_uri"]) == (CLIENT, "http://localhost/setup/microsoft/callback")
    answer = come_back(alice, asked, code="", admin_consent="True", tenant="forged-tenant")
    assert answer.location == f"/setup/{app_draft.id}/test"
    assert come_back(alice, asked, code="", admin_consent="True").status_code == 400


def test_it_does_not_take_a_failed_approval_for_a_good_one(alice, app_draft):
    asked = leaves_for(alice.client.post(f"/setup/{app_draft.id}/admin-consent"))
    said = "AADSTS65004: The resource owner denied the request."
    failed = {"admin_consent": "True", "error": "access_denied", "error_description": said}
    answer = come_back(alice, asked, code="", **failed)
    assert answer.status_code == 400
    assert "explanation-steps" in answer.text


def test_it_explains_an_error_page_that_stayed_at_microsoft(alice, draft):
    said = "Sorry, but we’re having trouble signing you in. AADSTS50011: The redirect URI does not match."
    page = alice.client.post(f"/setup/{draft.id}/explain", data={"said": said}).text
    assert "http://localhost/setup/microsoft/callback" in page
    assert "explanation-steps" in page
    answer = alice.client.post(f"/setup/{draft.id}/explain", data={"said": "it did not work"})
    assert (answer.status_code, 'id="f-said-error"' in answer.text) == (422, True)
