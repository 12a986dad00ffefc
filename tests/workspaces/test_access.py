"""Rules of views: who may look, who may change, and what the refused are told."""

import pytest
from flask import Flask

from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import NotFound
from mailsetup.workspaces import access
from mailsetup.workspaces.models import ADMIN, MEMBER, OWNER, Member


@pytest.fixture
def rules(app: Flask) -> Flask:
    """The app with one view for each rule."""
    for name, rule in (
        ("sees", access.require(MEMBER)),
        ("changes", access.require(ADMIN)),
        ("owns", access.require(OWNER)),
        ("self", access.require(MEMBER, own=True)),
        ("in", access.signed_in),
        ("all", access.public),
    ):
        app.add_url_rule(f"/rule/{name}", f"rule_{name}", rule(lambda: "done"), methods=["GET", "POST"])
    return app


@pytest.mark.parametrize(
    ("name", "seen_by", "changed_by"),
    [
        ("sees", "alice ada bob charlie", "alice ada charlie"),
        ("changes", "alice ada charlie", "alice ada charlie"),
        ("owns", "alice charlie", "alice charlie"),
        ("self", "alice ada bob charlie", "alice ada bob charlie"),
        ("in", "alice ada bob charlie", "alice ada bob charlie"),
    ],
)
def test_it_keeps_the_rule_of_a_view(rules, request, name, seen_by, changed_by):
    for who in ("alice", "ada", "bob", "charlie"):
        browser = request.getfixturevalue(who).client
        assert browser.get(f"/rule/{name}").status_code == (200 if who in seen_by.split() else 403), who
        assert browser.post(f"/rule/{name}").status_code == (200 if who in changed_by.split() else 403), who


@pytest.mark.parametrize("name", ["sees", "changes", "owns", "self", "in"])
def test_it_asks_visitors_to_sign_in(rules, client, name):
    assert client.get(f"/rule/{name}").location == f"/sign-in?next=/rule/{name}"
    assert client.post(f"/rule/{name}").location == "/sign-in"
    assert client.post(f"/rule/{name}", headers={"Referer": "http://localhost/members?x=1"}).location.endswith("x%3D1")


def test_it_shows_public_pages_to_everybody(rules, client):
    assert client.get("/rule/all").text == "done"


def test_it_says_who_can_do_it(bob, ada):
    answer = bob.client.post("/members/invite", data={"email": "x@northwind.example", "role": "member"})
    assert answer.status_code == 403
    assert "you are a member" in answer.text
    assert "Alice (alice@northwind.example), Ada (ada@northwind.example)" in answer.text


def test_it_fails_closed_when_a_view_has_no_rule(app, alice):
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    with pytest.raises(RuntimeError, match="forgotten carries no access rule"):
        alice.client.get("/forgotten")


def test_it_refuses_rules_that_do_not_exist():
    with pytest.raises(ValueError, match="root is not a role"):
        access.require("root")
    with pytest.raises(ValueError, match="open is not a rule"):
        access.marked(lambda: None, "open")


def test_it_finds_rows_of_the_workspace_only(session, alice, charlie):
    assert fetch_owned(session, Member, alice.workspace.id, alice.member.id) is alice.member
    with pytest.raises(NotFound):
        fetch_owned(session, Member, alice.workspace.id, charlie.member.id)


def test_it_never_lets_signed_in_pages_be_cached(alice):
    answer = alice.client.get("/members")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Cookie" in answer.headers["Vary"]


def test_it_refuses_posts_without_a_token_and_from_other_sites(app, alice):
    assert alice.client.post("/members/leave", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 400
    app.config["WTF_CSRF_ENABLED"] = True
    assert alice.client.post("/members/leave").status_code == 400
    assert alice.client.get("/members").status_code == 200
