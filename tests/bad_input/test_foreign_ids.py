"""Ids of another workspace inside forms and bodies: as unknown as ids that nobody has."""

import uuid

import pytest

from mailsetup.wizard.models import SetupDraft
from mailsetup.workspaces.invitations import invite
from tests import factories
from tests.api.conftest import caller, key_of
from tests.walls import snapshot

MAIL = {"to": "customer@fabrikam.example", "subject": "Hello", "text": "Hello"}


@pytest.fixture
def draft(session, charlie):
    """A stranger's own draft, into which ids of ours are put."""
    row = SetupDraft(workspace_id=charlie.workspace.id, created_by_id=charlie.user.id, kind="smtp_basic", settings={})
    session.add(row)
    session.commit()
    return row


@pytest.mark.parametrize("field", ["workspace_id", "config_id", "credential_id", "test_run_id", "created_by_id"])
def test_it_takes_no_field_that_the_form_does_not_have(charlie, alice, session, draft, field):
    """Mass assignment (CVE-2026-40569)."""
    ours = factories.make_config(session, alice.workspace)
    before = getattr(draft, field)
    form = {"name": "X", "host": "smtp.example.com", "alerts_address": "c@fabrikam.example", field: str(ours.id)}
    charlie.client.post(f"/setup/{draft.id}/sender", data=form)
    session.refresh(draft)
    assert (draft.name, getattr(draft, field)) == ("X", before)


def test_it_neither_chooses_nor_tests_what_belongs_to_others(charlie, alice, session, draft):
    ours, login = factories.make_config(session, alice.workspace), factories.make_credential(session, alice.workspace)
    before = snapshot(session)
    assert charlie.client.post(f"/setup/{draft.id}/credential", data={"credential_id": login.id}).status_code == 422
    assert charlie.client.post("/tests", data={"config_id": ours.id}).status_code == 404
    assert charlie.client.post("/workspaces/switch", data={"workspace": alice.workspace.id}).status_code == 404
    assert snapshot(session) == before


@pytest.mark.parametrize("known", [True, False])
def test_it_says_the_same_about_an_id_of_others_and_one_of_nobody(charlie, alice, session, draft, known):
    login = factories.make_credential(session, alice.workspace)
    answer = charlie.client.post(
        f"/setup/{draft.id}/credential", data={"credential_id": login.id if known else uuid.uuid4()}
    )
    assert answer.status_code == 422
    assert "Choose a credential, or make a new one below." in answer.text
    assert login.name not in answer.text


def test_it_filters_by_no_setup_of_others(charlie, alice, session, client):
    ours = factories.make_config(session, alice.workspace, name="Ours")
    factories.make_message(session, ours)
    theirs = caller(client, key_of(session, charlie))
    for given in (ours.id, "Ours"):
        assert theirs("GET", f"/messages?config={given}").status_code == 422
    assert charlie.client.get(f"/messages?setup={ours.id}").text.count("/messages/0") == 0


def test_it_keeps_idempotency_keys_of_workspaces_apart(alice, charlie, session, client):
    first, second = caller(client, key_of(session, alice)), caller(client, key_of(session, charlie))
    headers = {"Idempotency-Key": "order-42"}
    ids = {call("POST", "/messages", json=MAIL, headers=headers).json["id"] for call in (first, second, first)}
    assert len(ids) == 2


def test_a_key_ends_where_its_scope_ends(alice, session, client):
    config = factories.make_config(session, alice.workspace)
    reader = caller(client, key_of(session, alice, "read"))
    before = snapshot(session)
    for path, body in (("/messages", MAIL), (f"/outbound/{config.id}/tests", {"recipient": "a@b.example"})):
        assert reader("POST", path, json=body).status_code == 403
    after = snapshot(session)
    assert {**after, "api_keys": []} == {**before, "api_keys": []}


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_an_admin_invites_nobody_above_themselves(ada, session, role):
    answer = ada.client.post("/members/invite", data={"email": "new@northwind.example", "role": role})
    assert answer.status_code == (200 if role == "admin" else 403)


def test_an_invitation_works_in_its_own_workspace_only(alice, charlie, session):
    row, token = invite(session, by=alice.member, email="new@northwind.example", role="member")
    session.commit()
    assert charlie.client.post(f"/members/invitations/{row.id}/revoke").status_code == 404
    assert charlie.client.get(f"/invitations/{token.reveal()[:-1]}").status_code == 404
