"""Doors of one's own workspace: for owners alone, for a fresh proof alone, and with ids of others in what is sent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from mailsetup.core.clock import utcnow
from mailsetup.outbound.models import OutboundConfig
from mailsetup.workspaces import sessions
from mailsetup.workspaces.login import PENDING, TOKEN
from mailsetup.workspaces.models import UserSession
from tests import factories
from tests.test_walls import SAFE, Door, api_headers, ask, doors, guarded
from tests.walls import OBJECTS, snapshot

__all__ = ["doors"]
AGAIN = "/sign-in/again"
# What changes nothing about secrets, keys, members, or where mail and news go; the first four ask by themselves.
WITHOUT_PROOF = {
    "security.password", "proof.prove", "with_issuer.leave_again", "members.leave",
    "security.end_session", "security.end_others", "settings.person", "settings.workspace",
    "workspaces.create", "workspaces.switch", "explain.answer",
    "alerts.acknowledge", "alerts.snooze", "alerts.close", "alerts.again", "alerts.test",
    "alert_ways.remove", "alert_ways.test",
    "events.change", "events.set_active", "events.test", "events.again", "events.delete",
    "exports.delete", "messages.cancel", "messages.retry", "messages.resolve",
    "operator.test_connections", "operator_alerts.act", "operator_alerts.again", "operator_alerts.test",
    "outbound.delete", "outbound.fallback", "outbound.limits", "outbound.make_default", "outbound.pause",
    "outbound.policy", "outbound.probe", "outbound.resume",
    "tests.begin", "tests.again", "tests.cancel", "tests.arrived", "tests.look_at_domain",
    "setup.admin_consent", "setup.check_credential", "setup.check_permissions", "setup.choose_credential",
    "setup.choose_kind", "setup.create", "setup.discard", "setup.discard_proof", "setup.edit", "setup.explain",
    "setup.explain_reconnect", "setup.move", "setup.move_back", "setup.move_draft", "setup.prove_limit",
    "setup.run_test", "setup.save_sender", "setup.save_setup", "setup.test_proof",
}  # fmt: skip
# Pages that show a secret's form, or give everything away.
PAGES_WITH_PROOF = {
    "alert_ways.edit", "alert_ways.new", "api_keys.new", "credential_rights.show", "credentials.confirm_delete",
    "credentials.edit", "credentials.new", "erasing.index", "events.new", "exports.file", "members.invite",
    "setup.credential", "setup.reconnect",
}  # fmt: skip
# Lists that take an id to filter by.
READS_IDS = {"messages.index", "api.index"}
SENT = {"open_to": "named", "said": "535 5.7.8"}
# Where an id is read out of what is sent: there is no such thing, or no such choice.
REFUSED = {
    "tests.begin": 404, "workspaces.switch": 404, "setup.choose_credential": 422, "explain.answer": 422,
    "outbound.fallback": 422, "credential_rights.save": 422, "api.create": 422, "api.index": 422,
}  # fmt: skip
LAST = ("delete", "discard", "remove", "erase", "leave", "revoke", "end", "off", "switch")


def changes(doors: list[Door]) -> list[Door]:
    return [door for door in guarded(doors) if door.method not in SAFE]


def test_it_keeps_admins_out_of_what_is_for_owners(doors, ada, session):
    found = [door for door in guarded(doors) if door.rule == "owner"]
    before = snapshot(session)
    assert {str(door): ask(ada.client, door) for door in found} == {str(door): 403 for door in found}
    assert snapshot(session) == before


def test_it_asks_for_a_fresh_proof_before_secrets_keys_and_members(doors, alice, session):
    assert {door.endpoint for door in changes(doors)} >= WITHOUT_PROOF
    session.execute(update(UserSession).values(proved_at=utcnow() - timedelta(hours=1)))
    asked = [door for door in changes(doors) if door.endpoint not in WITHOUT_PROOF]
    asked += [door for door in guarded(doors) if door.endpoint in PAGES_WITH_PROOF and door.method in SAFE]
    before = snapshot(session)
    for door in asked:
        answer = alice.client.open(door.path, method=door.method)
        assert (answer.status_code, (answer.location or "").startswith(AGAIN)) == (302, True), door
    assert snapshot(session) == before


def test_who_still_owes_the_second_factor_is_a_visitor(doors, alice, app, session):
    _, token = sessions.begin(session, alice.user, browser="Firefox", address="192.0.2.1", pending=True)
    for place in (PENDING, TOKEN):
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie[place] = token.reveal()
        for door in guarded(doors):
            answer = client.open(door.path, method=door.method)
            assert (answer.location or "").partition("?")[0] == "/sign-in", (place, door)


@pytest.fixture
def theirs(session, charlie) -> dict[str, str]:
    """Ids of another workspace's things, under every name that a form or a call of the API knows."""
    ids = {name: str(make(session, charlie)) for name, make in OBJECTS.items()}
    far = {"settings": factories.smtp_settings(host="far.fabrikam.example", from_address="far@fabrikam.example")}
    session.execute(update(OutboundConfig).where(OutboundConfig.workspace_id == charlie.workspace.id).values(**far))
    session.commit()
    config, member = ids["config_id"], str(charlie.member.id)
    return {
        **ids, "config": config, "setup": config, "fallback": config, "member": member, "user_id": str(charlie.user.id),
        "workspace": str(charlie.workspace.id), "workspace_id": str(charlie.workspace.id), "credential": config,
    }  # fmt: skip


def test_ids_of_others_in_what_is_sent_lead_nowhere(doors, alice, charlie, session, theirs):
    mail = {"to": "me@northwind.example", "subject": "S", "text": "T", "config": theirs["config"]}
    sent, headers, own = {**theirs, **SENT}, api_headers(session, alice), str(alice.workspace.id)
    before, found = mentioning(session, str(charlie.workspace.id)), {}
    for door in sorted(doors, key=lambda door: door.endpoint.endswith(LAST)):
        if door.rule == "public" or (door.method in SAFE and door.endpoint not in READS_IDS):
            continue
        body = {"query_string": sent} if door.method in SAFE else {"data": sent}
        if door.rule == "api":
            body = {"query_string": {"config": theirs["config"]}} if door.method in SAFE else {"json": mail}
            body["headers"] = headers
        answer = alice.client.open(door.path, method=door.method, **body)
        assert "far.fabrikam.example" not in answer.data.decode(errors="replace"), door
        assert answer.status_code < 500, door
        found[door.endpoint] = answer.status_code
    assert {name: found[name] for name in REFUSED} == REFUSED
    assert alice.client.get("/members").status_code == 200
    assert mentioning(session, str(charlie.workspace.id)) == before
    assert [row for row in mentioning(session, own) if any(value in row for value in theirs.values())] == []


def mentioning(session, workspace_id: str) -> set[str]:
    return {row for rows in snapshot(session).values() for row in rows if workspace_id in row}
