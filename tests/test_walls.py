"""The walls: every view has a rule, strangers find nothing, members change nothing, looking changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from mailsetup.api.keys import SCOPES, create_key
from mailsetup.core.db import Base
from mailsetup.credentials import rights
from mailsetup.workspaces.access import RULES
from tests import factories
from tests.doors import DECIDED
from tests.people import Person
from tests.walls import BODIES, OBJECTS, SECRETS, WORDS, snapshot

SAFE = {"GET", "HEAD", "OPTIONS"}
# Pages for everybody, each for a reason that somebody thought about.
PUBLIC = {
    "calendar.feed",
    "handover.show", "handover.give_app", "handover.certificate", "handover.consent", "handover.callback",
    "handover.check",
    "sign_in.index", "sign_in.enter", "sign_in.sign_up", "sign_in.join", "sign_in.sign_out",
    "sign_in.confirm", "sign_in.join_confirmed",
    "with_issuer.leave", "with_issuer.back",
    "second_step.index", "second_step.enter",
    "new_password.forgotten", "new_password.ask", "new_password.choose", "new_password.save",
    "invitations.show", "invitations.accept",
    "api.openapi", "api_docs.index",
    "operations.live", "operations.ready", "operations.metrics",
}  # fmt: skip
# What a member may change: their own things only. Explaining an error changes nothing.
OWN = {"members.leave", "explain.answer"}


@dataclass(frozen=True)
class Door:
    """One route with one method."""

    method: str
    path: str
    endpoint: str
    rule: str
    arguments: frozenset[str]

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.endpoint})"


@pytest.fixture
def doors(app: Flask, session: Session, alice: Person, bob: Person) -> list[Door]:
    """Every route of the product, with ids of Alice's things where it takes ids."""
    known = {name: make(session, alice) for name, make in OBJECTS.items()}
    known["member_id"] = bob.member.id
    session.commit()
    values = {**{name: str(value) for name, value in known.items()}, **WORDS, **dict.fromkeys(SECRETS, "A" * 43)}
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]
    return [door for rule in rules for door in _doors(app, rule, values)]


def _doors(app: Flask, rule: Rule, values: dict[str, str]) -> Iterator[Door]:
    unknown = rule.arguments - set(values)
    assert not unknown, f"{rule} takes {unknown}: add it to OBJECTS or WORDS in tests/walls.py"
    path = app.url_map.bind("localhost").build(rule.endpoint, {name: values[name] for name in rule.arguments})
    view = app.view_functions[rule.endpoint]
    for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
        yield Door(method, path, rule.endpoint, getattr(view, "access_rule", "none"), frozenset(rule.arguments))


# Reading what a mail says, and taking the audit trail away, leave a line in the audit trail.
AUDITED_LOOKS = {"messages.content", "audit.export", "exports.file"}


def ask(client: FlaskClient, door: Door) -> int:
    return client.open(door.path, method=door.method).status_code


def guarded(doors: list[Door]) -> list[Door]:
    """The doors that are opened by a signed-in person."""
    return [door for door in doors if door.rule not in {"public", "api"}]


def api_headers(session: Session, somebody: Person) -> dict[str, str]:
    """What a program of this person's workspace sends; the key's first use is over, so it is not noted again."""
    _, secret = create_key(
        session, workspace_id=somebody.workspace.id, actor=somebody.actor, name="Walls", scopes=list(SCOPES)
    )
    session.commit()
    headers = {"Authorization": f"Bearer {secret.reveal()}"}
    somebody.client.get("/api/v1/outbound", headers=headers)
    return headers


def calls(doors: list[Door]) -> list[Door]:
    """The calls of the HTTP API that take ids."""
    return [door for door in doors if door.rule == "api" and door.arguments & set(OBJECTS)]


def test_it_answers_no_program_without_a_key(doors, alice):
    found = {str(door): ask(alice.client, door) for door in doors if door.rule == "api"}
    assert found == dict.fromkeys(found, 401)


def test_it_shows_programs_of_strangers_nothing(doors, charlie, session):
    headers = api_headers(session, charlie)
    before = snapshot(session)
    found = {}
    for door in calls(doors):
        body = BODIES.get(door.endpoint, {})
        found[str(door)] = charlie.client.open(door.path, method=door.method, headers=headers, json=body).status_code
    assert found == dict.fromkeys(found, 404)
    assert snapshot(session) == before


def test_it_shows_programs_of_the_owner_their_things(doors, alice, session):
    headers = api_headers(session, alice)
    for door in calls(doors):
        if door.method == "GET":
            assert alice.client.get(door.path, headers=headers).status_code == 200, door


def test_it_has_a_rule_for_every_view(doors):
    assert [str(door) for door in doors if door.rule not in RULES] == []


def test_every_door_has_the_rule_that_was_decided_for_it(app):
    """Add a new one to tests/doors.py; the other tests here show what each rule keeps out."""
    views = {name: view for name, view in app.view_functions.items() if name != "static" and name not in PUBLIC}
    found = {name: f"{view.access_rule} {getattr(view, 'api_scope', '')}".strip() for name, view in views.items()}
    assert found == {name: rule for rule, names in DECIDED.items() for name in names.split()}


def test_it_opens_to_everybody_only_what_is_listed(doors):
    assert {door.endpoint for door in doors if door.rule == "public"} <= PUBLIC


def test_it_sends_visitors_to_the_sign_in_page(doors, client):
    for door in guarded(doors):
        answer = client.open(door.path, method=door.method)
        assert answer.status_code == 302, door
        assert answer.location.startswith("/sign-in"), door


def test_it_shows_strangers_nothing(doors, charlie, session):
    before = snapshot(session)
    with_ids = [door for door in guarded(doors) if door.arguments - set(WORDS) - SECRETS]
    assert with_ids
    assert {str(door): ask(charlie.client, door) for door in with_ids} == {str(door): 404 for door in with_ids}
    assert snapshot(session) == before


def test_it_finds_the_things_of_the_owner(doors, alice):
    """Else the test above would pass with addresses that lead nowhere."""
    found = [door for door in guarded(doors) if door.method == "GET" and door.arguments & set(OBJECTS)]
    for door in found:
        # 409: it is there, but of another type than this page is for.
        assert ask(alice.client, door) in {200, 302, 409}, door


def test_it_refuses_every_change_by_a_member(doors, bob, session):
    changes = [door for door in guarded(doors) if door.method not in SAFE]
    changes = [door for door in changes if door.rule != "signed_in" and door.endpoint not in OWN]
    before = snapshot(session)
    assert {str(door): ask(bob.client, door) for door in changes} == {str(door): 403 for door in changes}
    assert snapshot(session) == before


def test_it_opens_no_door_of_a_workspace_without_the_second_factor_it_wants(doors, alice, session):
    alice.workspace.second_factor_required = True
    inside = [door for door in guarded(doors) if door.rule != "signed_in"]
    before = snapshot(session)
    for door in inside:
        answer = alice.client.open(door.path, method=door.method)
        assert answer.location == "/settings/security/second-factor", door
    assert snapshot(session) == before


def test_it_keeps_members_out_of_pages_for_admins(doors, bob):
    pages = [door for door in guarded(doors) if door.method == "GET" and door.rule in {"builder", "admin", "owner"}]
    assert {str(door): ask(bob.client, door) for door in pages} == {str(door): 403 for door in pages}


def test_it_lets_a_member_who_may_use_a_credential_build_and_nothing_else(doors, alice, bob, session):
    rights.set_users(session, factories.make_credential(session, alice.workspace), "members", [], actor=alice.actor)
    changes = [door for door in guarded(doors) if door.method not in SAFE and door.rule != "signed_in"]
    changes = [door for door in changes if door.endpoint not in OWN]
    before = snapshot(session)
    for door in changes:
        # 404: the draft is somebody else's; 422: nothing was chosen.
        assert ask(bob.client, door) == (403 if door.rule != "builder" else 404 if door.arguments else 422), door
    assert snapshot(session) == before


def test_it_changes_nothing_by_looking(doors, alice, session):
    before = snapshot(session)
    for door in doors:
        if door.method in SAFE and door.rule != "api" and door.endpoint not in AUDITED_LOOKS:
            ask(alice.client, door)
            assert snapshot(session) == before, door


def test_it_knows_every_table_that_belongs_to_a_workspace():
    """A table without the column would be out of reach of every check by workspace."""
    without = {name for name, table in Base.metadata.tables.items() if "workspace_id" not in table.c}
    shared = {"mailboxes", "mailbox_lanes", "mail_hosts"}  # digests and counts: whoever sends through one shares them
    people = {
        "users",
        "workspaces",
        "user_sessions",
        "letters",
        "second_factors",
        "recovery_codes",
        "identities",
        "sign_in_flows",
    }
    assert without <= {*people, "leases", "marks", "heartbeats", "tallies", *shared}
