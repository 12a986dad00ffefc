"""API keys: their form, their scopes, their end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mailsetup.api import keys
from mailsetup.api.models import ApiKey
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import InvalidInput
from mailsetup.outbound.models import OutboundConfig
from tests.api.conftest import Call, caller, key_of
from tests.people import Person

COLUMNS = ("name", "key_hash", "ending", "scopes")


def test_it_makes_keys_that_scanners_can_find() -> None:
    key = keys.new_key().reveal()
    assert key.startswith("oms_live_")
    assert len(key) == 58
    assert keys.well_formed(key)


@given(st.text(max_size=80))
def test_it_turns_made_up_keys_away(text: str) -> None:
    assert not keys.well_formed(text)
    assert not keys.well_formed("oms_live_" + text)


def test_it_notices_a_mistyped_key() -> None:
    key = keys.new_key().reveal()
    assert not keys.well_formed(key[:20] + ("a" if key[20] != "a" else "b") + key[21:])


def test_it_keeps_only_the_hash(session: Session, alice: Person) -> None:
    key = key_of(session, alice)
    row = session.scalars(select(ApiKey)).one()
    assert key not in str({name: getattr(row, name) for name in COLUMNS})
    assert row.ending == key[-4:]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic abc", "Bearer " + "oms_live_" + "0" * 49])
def test_it_refuses_requests_without_a_key(client: FlaskClient, header: str) -> None:
    answer = client.get("/api/v1/messages", headers={"Authorization": header})
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert "Bearer" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("change", [{"revoked_at": utcnow()}, {"expires_at": utcnow() - timedelta(seconds=1)}])
def test_it_refuses_keys_that_ended(call: Call, session: Session, change: dict[str, object]) -> None:
    assert call("GET", "/messages").status_code == 200
    session.execute(update(ApiKey).values(**change))
    assert call("GET", "/messages").status_code == 401


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("read", "POST", "/messages"),
        ("send", "GET", "/messages"),
        ("send", "GET", "/outbound"),
        ("read", "POST", "/messages/batch"),
    ],
)
def test_it_refuses_what_the_scope_does_not_allow(
    client: FlaskClient, session: Session, alice: Person, scope: str, method: str, path: str
) -> None:
    assert caller(client, key_of(session, alice, scope))(method, path).status_code == 403


def test_it_notes_roughly_when_a_key_was_used(call: Call, session: Session) -> None:
    call("GET", "/messages")
    first = session.scalars(select(ApiKey.last_used_at)).one()
    call("GET", "/messages")
    assert session.scalars(select(ApiKey.last_used_at)).one() == first
    assert first


@pytest.mark.parametrize(
    ("name", "scopes", "field"),
    [
        ("", ["send"], "name"),
        ("x" * 121, ["send"], "name"),
        ("A", [], "scopes"),
        ("A", ["root"], "scopes"),
        ("Shop", ["send"], "name"),
    ],
)
def test_it_names_what_is_wrong_with_a_new_key(
    session: Session, alice: Person, name: str, scopes: list[str], field: str
) -> None:
    key_of(session, alice)
    with pytest.raises(InvalidInput) as refused:
        keys.create_key(session, workspace_id=alice.workspace.id, actor=alice.actor, name=name, scopes=scopes)
    assert field in refused.value.fields


@pytest.mark.usefixtures("throttles")
def test_it_slows_a_key_down_that_asks_too_often(
    app: Flask, call: Call, client: FlaskClient, session: Session, alice: Person
) -> None:
    app.config["API_RATE"] = "3 per minute"
    answers = [call("GET", "/messages") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].content_type == "application/problem+json"
    assert caller(client, key_of(session, alice, name="Other"))("GET", "/messages").status_code == 200


def test_it_shows_setups_and_starts_a_test(call: Call, config: OutboundConfig, session: Session) -> None:
    assert [one["name"] for one in call("GET", "/outbound").json["outbound"]] == ["Invoices"]
    path = f"/outbound/{config.id}/tests"
    assert call("POST", path, json={}).status_code == 422
    answer = call("POST", path, json={"recipient": "me@northwind.example"})
    assert answer.status_code == 202
    shown = call("GET", f"/tests/{answer.json['id']}").json
    assert (shown["state"], shown["stages"][0]["name"]) == ("waiting", "settings")


def test_it_starts_a_test_that_sends_nothing(call: Call, config: OutboundConfig) -> None:
    path, recipient = f"/outbound/{config.id}/tests", "me@northwind.example"
    answer = call("POST", path, json={"recipient": recipient, "depth": "check"})
    assert (answer.status_code, answer.json["depth"]) == (202, "check")
    assert call("POST", path, json={"recipient": recipient}).json["depth"] == "send"
    wrong = call("POST", path, json={"recipient": recipient, "depth": "deep"})
    assert (wrong.status_code, set(wrong.json["errors"])) == (422, {"depth"})


def test_it_hides_setups_and_tests_of_others(
    call: Call, client: FlaskClient, config: OutboundConfig, session: Session, charlie: Person
) -> None:
    run = call("POST", f"/outbound/{config.id}/tests", json={"recipient": "me@northwind.example"}).json
    other = caller(client, key_of(session, charlie))
    assert other("GET", f"/tests/{run['id']}").status_code == 404
    assert other("POST", f"/outbound/{config.id}/tests", json={"recipient": "a@b.example"}).status_code == 404
