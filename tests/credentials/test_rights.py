"""Who may use a credential, apart from who may change it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.core.errors import InvalidInput
from mailsetup.credentials import rights
from mailsetup.credentials.models import Credential, CredentialUser
from mailsetup.diagnosis.start import start_test_run
from mailsetup.outbound import binding
from mailsetup.outbound.configs import save_config
from mailsetup.outbound.models import OutboundConfig
from mailsetup.wizard.models import SetupDraft
from mailsetup.workspaces import members
from mailsetup.workspaces.models import AuditEvent
from tests import factories
from tests.people import Person

HOST = "mail.northwind.example"
SENDER = {
    "name": "Invoices",
    "host": HOST,
    "port": "587",
    "tls": "starttls",
    "from_address": "ar@northwind.example",
    "alerts_address": "it@northwind.example",
}


@pytest.fixture
def relay(session: Session, alice: Person) -> Credential:
    """A credential of Northwind's own relay, which has been used there already."""
    made = factories.make_credential(session, alice.workspace, name="Relay")
    binding.bind(session, made, {"host": HOST, "tls": "starttls"})
    session.commit()
    return made


def open_to(session: Session, credential: Credential, alice: Person, who: str, *people: Person) -> None:
    rights.set_users(session, credential, who, [str(one.member.id) for one in people], actor=alice.actor)
    session.commit()


def begun_by(session: Session, bob: Person) -> SetupDraft:
    assert bob.client.post("/setup/new", data={"kind": "smtp_basic"}).status_code == 302
    return session.scalars(select(SetupDraft)).one()


def values(credential: Credential | None, **changes: str) -> dict[str, Any]:
    settings = factories.smtp_settings(host=HOST, tls="starttls", allow_plain_login=False) | changes
    return {"kind": "smtp_basic", "settings": settings, "credential_id": credential.id if credential else None}


def test_it_keeps_a_new_credential_to_admins(session, relay, alice, ada, bob):
    able = [rights.may_use(session, relay, who.user.id) for who in (alice, ada, bob)]
    assert able == [True, True, False]
    assert bob.client.get("/setup").status_code == 403


@pytest.mark.parametrize("who", ["members", "named"])
def test_it_lets_a_member_build_a_setup_and_neither_change_the_credential_nor_the_setup(
    session, relay, alice, bob, who
):
    open_to(session, relay, alice, who, bob)
    draft = begun_by(session, bob)
    bob.client.post(f"/setup/{draft.id}/credential", data={"credential_id": str(relay.id)})
    bob.client.post(f"/setup/{draft.id}/sender", data=SENDER)
    assert bob.client.post(f"/setup/{draft.id}/save").status_code == 302
    config = session.scalars(select(OutboundConfig)).one()
    assert (config.credential_id, config.health) == (relay.id, "unverified")
    refused = (f"/setup/edit/{config.id}", f"/credentials/{relay.id}/edit", f"/credentials/{relay.id}/users")
    assert [bob.client.post(path).status_code for path in refused] == [403, 403, 403]


def test_it_neither_offers_nor_takes_what_is_not_for_the_person(session, relay, alice, bob):
    other = factories.make_credential(session, alice.workspace, name="Payroll")
    open_to(session, relay, alice, "named", bob)
    path = f"/setup/{begun_by(session, bob).id}/credential"
    page = bob.client.get(path).text
    assert "Relay" in page
    assert "Payroll" not in page
    assert "Make a new one" not in page
    for chosen in (str(other.id), "none"):
        assert bob.client.post(path, data={"credential_id": chosen}).status_code == 422
    assert session.scalars(select(SetupDraft.credential_id)).one() is None


def test_it_decides_again_when_the_test_starts_and_when_it_is_saved(session, relay, alice, bob):
    open_to(session, relay, alice, "members")
    open_to(session, relay, alice, "admins")
    who: dict[str, Any] = {"workspace_id": alice.workspace.id, "actor": bob.actor, "user_id": bob.user.id}
    for credential in (relay, None):
        with pytest.raises(InvalidInput, match="credential"):
            start_test_run(session, recipient="me@northwind.example", **values(credential), **who)
        names: dict[str, Any] = {
            "name": "A",
            "alerts_address": "it@northwind.example",
            "tested": False,
            "fingerprint": "",
        }
        with pytest.raises(InvalidInput, match="credential"):
            save_config(session, **names, **values(credential), **who)


def test_it_sends_no_password_to_a_place_that_a_member_chose(session, relay, alice, bob):
    fresh = factories.make_credential(session, alice.workspace, name="Fresh")
    who: dict[str, Any] = {"workspace_id": alice.workspace.id, "actor": bob.actor, "user_id": bob.user.id}
    for credential, host in ((fresh, HOST), (relay, "evil.example")):
        open_to(session, credential, alice, "members")
        with pytest.raises(InvalidInput):
            start_test_run(session, recipient="me@northwind.example", **values(credential, host=host), **who)


def test_it_hides_drafts_of_others_from_a_member(session, relay, alice, bob, ada):
    open_to(session, relay, alice, "members")
    ada.client.post("/setup/new", data={"kind": "smtp_basic"})
    theirs = session.scalars(select(SetupDraft)).one()
    assert bob.client.get(f"/setup/{theirs.id}/kind").status_code == 404
    assert str(theirs.id) not in bob.client.get("/setup").text


def test_it_ends_with_the_place_in_the_workspace(session, relay, alice, bob):
    open_to(session, relay, alice, "named", bob)
    members.remove(session, bob.member, by=alice.member)
    session.commit()
    assert session.scalars(select(CredentialUser)).all() == []
    assert not rights.named_users(session, relay)


def test_an_admin_says_who_on_its_page_and_the_trail_keeps_it(session, relay, ada, bob):
    path = f"/credentials/{relay.id}/users"
    assert ada.client.post(path, data={"open_to": "named"}).status_code == 422
    assert ada.client.post(path, data={"open_to": "named", "member": str(bob.member.id)}).status_code == 302
    assert "these members: Bob" in bob.client.get(f"/credentials/{relay.id}").text
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "credential:change-use")).one()
    assert event.detail["people"] == [bob.user.email]


def test_it_takes_no_member_of_another_workspace(session, relay, alice, charlie):
    with pytest.raises(InvalidInput):
        rights.set_users(session, relay, "named", [str(charlie.member.id)], actor=alice.actor)
    assert not rights.may_use(session, relay, charlie.user.id)
