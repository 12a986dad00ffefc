"""Every route with the ids of another workspace, for every sort of caller; and what a key of each scope may do."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from mailsetup.api.keys import SCOPES, create_key
from tests import factories, people
from tests.test_walls import Door, _doors
from tests.walls import BODIES, OBJECTS, SECRETS, WORDS, snapshot

# The lowest role that a rule lets in; who is below is refused before anything is looked for.
RANKS = {"member": 0, "admin": 1, "owner": 2}
Known = Callable[[people.Person], list[Door]]


@pytest.fixture
def doors_to(app, session) -> Known:
    """Every route that takes ids, with the ids of one person's things."""

    def build(owner: people.Person) -> list[Door]:
        values = {name: str(make(session, owner)) for name, make in OBJECTS.items()}
        session.commit()
        words = {**values, **WORDS, **dict.fromkeys(SECRETS, "A" * 43)}
        rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]
        found = [door for rule in rules for door in _doors(app, rule, words)]
        return [door for door in found if door.arguments & set(OBJECTS)]

    return build


NOWHERE = uuid.uuid4()
FIRST_USE = {
    "send": ("POST", f"/messages/{NOWHERE}/cancel"),
    "read": ("GET", f"/messages/{NOWHERE}"),
    "test": ("POST", f"/outbound/{NOWHERE}/tests"),
}


def key_headers(session, somebody, scope):
    """What a program sends whose key has this scope; its first use is over, so it is not noted again."""
    values = {"workspace_id": somebody.workspace.id, "actor": somebody.actor, "name": f"Key to {scope}"}
    _, secret = create_key(session, scopes=[scope], **values)
    session.commit()
    headers = {"Authorization": f"Bearer {secret.reveal()}"}
    method, path = FIRST_USE[scope]
    body = BODIES["api.start_test"]
    assert somebody.client.open(f"/api/v1{path}", method=method, headers=headers, json=body).status_code == 404
    return headers


def answers(client, doors, **more):
    return {
        str(door): client.open(door.path, method=door.method, json=BODIES.get(door.endpoint, {}), **more).status_code
        if door.rule == "api"
        else client.open(door.path, method=door.method, **more).status_code
        for door in doors
    }


# A member who may use no credential builds no setup.
NEEDED = {**RANKS, "builder": RANKS["admin"]}


def expected(doors, role):
    return {str(door): 403 if NEEDED.get(door.rule, 0) > RANKS[role] else 404 for door in doors}


@pytest.mark.parametrize("role", RANKS)
def test_it_shows_no_role_what_belongs_to_another_workspace(role, doors_to, alice, ada, bob, charlie, session):
    client = {"owner": alice, "admin": ada, "member": bob}[role].client
    doors = [door for door in doors_to(charlie) if door.rule not in {"api", "public"}]
    before = snapshot(session)
    assert answers(client, doors) == expected(doors, role)
    assert snapshot(session) == before


def test_it_shows_people_without_a_workspace_nothing(doors_to, app, charlie, session):
    nobody = people.signed_in_client(app, factories.make_user(session))
    doors = [door for door in doors_to(charlie) if door.rule not in {"api", "public"}]
    before = snapshot(session)
    assert set(answers(nobody, doors).values()) <= {302, 403, 404}
    assert snapshot(session) == before


@pytest.mark.parametrize("scope", SCOPES)
def test_it_shows_a_key_of_each_scope_nothing_of_another_workspace(scope, doors_to, app, alice, charlie, session):
    headers, doors = key_headers(session, alice, scope), doors_to(charlie)
    calls = [door for door in doors if door.rule == "api"]
    pages = [door for door in doors if door.rule not in {"api", "public"}]
    before = snapshot(session)
    found = answers(app.test_client(), calls, headers=headers)
    assert found == {str(door): 404 if scope_of(app, door) == scope else 403 for door in calls}
    assert set(answers(app.test_client(), pages, headers=headers).values()) == {302}
    assert snapshot(session) == before


@pytest.mark.parametrize("scope", SCOPES)
def test_it_lets_a_key_do_what_its_scope_says_and_no_more(scope, app, alice, session):
    headers = key_headers(session, alice, scope)
    values = {name: str(make(session, alice)) for name, make in OBJECTS.items()}
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("api.")]
    doors = [door for rule in rules for door in _doors(app, rule, {**values, **WORDS}) if door.rule == "api"]
    before = snapshot(session)
    others = [door for door in doors if scope_of(app, door) != scope]
    found = answers(app.test_client(), others, headers=headers)
    assert (found, snapshot(session) == before) == (dict.fromkeys(found, 403), True)
    allowed = answers(app.test_client(), [door for door in doors if scope_of(app, door) == scope], headers=headers)
    assert allowed
    assert not set(allowed.values()) & {401, 403, 404, 500}


def scope_of(app, door):
    return app.view_functions[door.endpoint].api_scope
