"""The pages of credentials, as people of each role use them."""

from __future__ import annotations

import io
import secrets
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from mailsetup.core.clock import utcnow
from mailsetup.credentials import usage, vault
from mailsetup.credentials.models import Credential
from mailsetup.credentials.usage import Use
from tests.factories import make_config, make_credential

GUID = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(autouse=True)
def nobody_uses_any(monkeypatch):
    monkeypatch.setattr(usage, "_finders", [])


def app_form(**changes):
    form = {
        "type": "microsoft_app",
        "name": "Contoso app",
        "cloud": "global",
        "tenant_id": GUID,
        "client_id": GUID,
        "client_secret": "value~of.the_secret",
    }
    return {**form, **changes}


def login_form(**changes):
    return {"type": "smtp_login", "name": "Relay", "username": "mailer", "password": "pass-word-1", **changes}


def beside(page, field):
    """The error beside a field."""
    parts = page.text.split(f'id="f-{field}-error"')
    return parts[1][:900] if len(parts) > 1 else ""


def test_it_says_what_credentials_are_for_when_there_are_none(alice):
    page = alice.client.get("/credentials")
    assert "No credentials yet" in page.text
    assert "/credentials/new" in page.text


def test_it_makes_one_from_the_form(ada, session):
    answer = ada.client.post(
        "/credentials/new", data=login_form(name="  Relay ", description="For invoices", expires_on="2040-01-31")
    )
    credential = session.scalar(select(Credential))
    assert answer.headers["Location"] == f"/credentials/{credential.id}"
    assert (credential.name, credential.updated_by_id) == ("Relay", ada.user.id)
    page = ada.client.get("/credentials")
    for words in ("Relay", "SMTP user name and password", "01/31/2040", "Nothing yet", "Ada"):
        assert words in page.text


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": "  "}, "name", "Give it a name"),
        ({"name": "a\r\nBcc: b"}, "name", "line break"),
        ({"name": "x" * 121}, "name", "at most 120"),
        ({"tenant_id": ""}, "tenant_id", "Copy the Directory"),
        ({"client_id": "not-a-guid"}, "client_id", "looks like"),
        ({"client_secret": GUID}, "client_secret", "looks like the Secret ID"),
        ({"client_secret": "  "}, "client_secret", "Paste the client secret"),
        ({"client_secret": "x" * 9000}, "client_secret", "too long"),
        ({"cloud": "moon"}, "cloud", "Choose one"),
        ({"expires_on": "31/12/2027"}, "expires_on", "such as 2027-03-31"),
        ({"expires_on": "2020-01-01"}, "expires_on", "has passed"),
    ],
)
def test_it_says_beside_the_field_what_is_wrong_and_keeps_the_rest(alice, session, changes, field, words):
    page = alice.client.post("/credentials/new", data=app_form(description="Keep me", **changes))
    assert page.status_code == 422
    assert words in beside(page, field)
    assert f'href="#f-{field}"' in page.text
    assert "Keep me" in page.text
    assert session.scalar(select(Credential)) is None


def test_it_takes_blanks_around_values(alice, session):
    alice.client.post("/credentials/new", data=app_form(tenant_id=f"  {GUID}\n", client_secret="  value~1  "))
    value = vault.credential_value(session, session.scalar(select(Credential)))
    assert (value.public["tenant_id"], value.secrets["client_secret"].reveal()) == (GUID, "value~1")


def test_it_refuses_a_name_that_is_taken(alice, session):
    make_credential(session, alice.workspace, name="Relay")
    page = alice.client.post("/credentials/new", data=login_form())
    assert page.status_code == 422
    assert "has this name already" in beside(page, "name")


def test_it_leads_to_signing_in_for_what_is_made_that_way(alice):
    page = alice.client.get("/credentials/new")
    assert 'href="/setup"' in page.text
    for answer in (
        alice.client.get("/credentials/new?type=microsoft_grant"),
        alice.client.post("/credentials/new", data={"type": "microsoft_grant", "name": "x"}),
    ):
        assert answer.status_code == 409
        assert "signing in at Microsoft" in answer.text


@pytest.mark.parametrize("name", ["carrier_pigeon", "", "../secrets"])
def test_it_knows_no_other_type(alice, name):
    assert alice.client.post("/credentials/new", data={"type": name}).status_code == 404


def test_it_shows_what_uses_it_with_links(alice, session):
    credential = make_credential(session, alice.workspace)
    usage.register(lambda _session, _id: {credential.id: [Use("Invoices", "/outbound/1"), Use("Bills", "/outbound/2")]})
    assert "2 setups" in alice.client.get("/credentials").text
    page = alice.client.get(f"/credentials/{credential.id}").text
    assert 'href="/outbound/1"' in page
    assert "Bills" in page


def test_it_sorts_by_name_type_and_expiry(alice, session):
    soon = utcnow().date() + timedelta(days=3)
    make_credential(session, alice.workspace, name="Zebra", expires_on=soon)
    make_credential(session, alice.workspace, name="aardvark")
    make_credential(session, alice.workspace, name="Middle", type="microsoft_app", raw=app_form())
    names = {"name": "aardvark Middle Zebra", "-name": "Zebra Middle aardvark", "type": "Middle aardvark Zebra"}
    names |= {"expiry": "Zebra aardvark Middle", "nonsense; DROP": "aardvark Middle Zebra"}
    for sort, expected in names.items():
        page = alice.client.get("/credentials", query_string={"sort": sort}).text
        body = page.split("<tbody>")[1]
        assert sorted(expected.split(), key=lambda name: body.index(f">{name}<")) == expected.split()


def test_it_warns_of_what_expires_soon_where_it_is_used(alice, session):
    credential = make_credential(session, alice.workspace, expires_on=utcnow().date() + timedelta(days=12))
    assert "Expires soon" in alice.client.get("/credentials").text
    assert "expires in 12 days" not in alice.client.get("/alerts").text
    usage.register(lambda _session, _id: {credential.id: [Use("Invoices", "/outbound/1")]})
    assert "expires in 12 days" in alice.client.get("/alerts").text


def test_it_edits_without_asking_for_the_secret_again(ada, session):
    credential = make_credential(session, ada.workspace, name="Relay", raw={"username": "mailer", "password": "p-1"})
    form = ada.client.get(f"/credentials/{credential.id}/edit").text
    assert "Leave blank to keep it" in form
    assert 'name="revision" value="1"' in form
    ada.client.post(
        f"/credentials/{credential.id}/edit",
        data={"revision": "1", "name": "Relay 2", "username": "mailer", "password": "", "expiry_note": "Ask Dana"},
    )
    assert (credential.name, credential.expiry_note, credential.version) == ("Relay 2", "Ask Dana", 1)


def test_it_wants_the_secret_for_another_user_name(alice, session):
    credential = make_credential(session, alice.workspace, raw={"username": "mailer", "password": "p-1"})
    page = alice.client.post(
        f"/credentials/{credential.id}/edit", data={"revision": "1", "name": "x", "username": "evil", "password": ""}
    )
    assert page.status_code == 422
    assert "type the password again" in beside(page, "password")
    assert vault.public_facts(session, credential) == {"username": "mailer"}


@pytest.mark.parametrize("revision", ["1", "", "abc", "99999999999999999999", "-1"])
def test_it_refuses_an_old_page(alice, session, revision):
    credential = make_credential(session, alice.workspace, raw={"username": "mailer", "password": "p-1"})
    data = {"name": "First", "username": "mailer", "password": ""}
    assert alice.client.post(f"/credentials/{credential.id}/edit", data={**data, "revision": "1"}).status_code == 302
    page = alice.client.post(
        f"/credentials/{credential.id}/edit", data={**data, "name": "Second", "revision": revision}
    )
    assert page.status_code == 409
    assert "Somebody changed this credential" in page.text
    assert credential.name == "First"


def test_it_asks_before_it_deletes(alice, session):
    credential = make_credential(session, alice.workspace, name="Old")
    assert "Delete Old?" in alice.client.get(f"/credentials/{credential.id}/delete").text
    assert alice.client.post(f"/credentials/{credential.id}/delete").headers["Location"] == "/credentials"
    assert session.scalar(select(Credential)) is None


def test_it_does_not_delete_what_is_in_use_and_names_each_setup(alice, session):
    credential = make_credential(session, alice.workspace, name="Shared")
    config = make_config(session, alice.workspace, credential=credential, name="Invoices")
    usage.register(lambda _session, _id: {credential.id: [Use("Invoices", f"/outbound/{config.id}")]})
    page = alice.client.post(f"/credentials/{credential.id}/delete")
    assert page.status_code == 409
    assert "Nothing was deleted" in page.text
    assert f'href="/outbound/{config.id}"' in page.text
    assert session.get(Credential, credential.id) is not None


@pytest.mark.parametrize("path", ["", "/edit", "/delete"])
def test_it_shows_a_stranger_nothing(charlie, alice, session, path):
    credential = make_credential(session, alice.workspace, name="Hidden")
    for target in (credential.id, uuid.uuid4()):
        assert charlie.client.get(f"/credentials/{target}{path}").status_code == 404
        if path:
            data = login_form(revision="1")
            assert charlie.client.post(f"/credentials/{target}{path}", data=data).status_code == 404
    assert "Hidden" not in charlie.client.get("/credentials").text
    assert credential.name == "Hidden"


def test_it_lets_a_member_see_and_not_change(bob, session):
    credential = make_credential(session, bob.workspace, name="Relay")
    assert "Relay" in bob.client.get("/credentials").text
    page = bob.client.get(f"/credentials/{credential.id}").text
    assert "/edit" not in page
    assert "/delete" not in page
    for path in ("/credentials/new", f"/credentials/{credential.id}/edit", f"/credentials/{credential.id}/delete"):
        assert bob.client.get(path).status_code == 403
        assert bob.client.post(path, data=login_form(revision="1")).status_code == 403
    assert session.scalars(select(Credential)).all() == [credential]


def test_it_lets_no_secret_into_any_page(alice, session):
    canary = f"canary-{secrets.token_hex(8)}"
    raw = {"username": "mailer", "password": canary}
    credential = make_credential(session, alice.workspace, name="Relay", raw=raw)
    where = f"/credentials/{credential.id}"
    pages = [alice.client.get(path) for path in ("/credentials", where, f"{where}/edit", f"{where}/delete", "/audit")]
    pages += [
        alice.client.post("/credentials/new", data=login_form(name="", password=canary)),
        alice.client.post("/credentials/new", data=app_form(name="", client_secret=canary)),
        alice.client.post("/credentials/new", data=app_form(name="", client_secret="", passphrase=canary)),
        alice.client.post(f"{where}/edit", data=login_form(revision="1", name="", password=canary)),
        alice.client.post(f"{where}/edit", data=login_form(revision="9", password=canary)),
    ]
    assert [page.status_code for page in pages] == [200] * 5 + [422] * 4 + [409]
    assert not any(canary in page.text for page in pages)


def test_it_refuses_a_file_that_is_too_large(alice, session):
    upload = (io.BytesIO(b"x" * 70_000), "key.pfx")
    page = alice.client.post("/credentials/new", data=app_form(client_secret="", certificate=upload))
    assert page.status_code == 422
    assert "too large" in beside(page, "certificate")


def test_it_leads_back_to_where_somebody_came_from_to_edit(alice, session):
    credential = make_credential(session, alice.workspace, raw={"username": "mailer", "password": "p-1"})
    edit = f"/credentials/{credential.id}/edit"
    form = {"revision": "1", "name": "Relay", "username": "mailer", "password": "p-2"}
    assert 'name="next" value="/setup/1/test"' in alice.client.get(f"{edit}?next=/setup/1/test").text
    answer = alice.client.post(edit, data={**form, "next": "https://elsewhere.example"})
    assert answer.location == f"/credentials/{credential.id}"
    answer = alice.client.post(edit, data={**form, "revision": "2", "next": "/setup/1/test"})
    assert answer.location == "/setup/1/test"
