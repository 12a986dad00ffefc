"""A person's places in workspaces: the page of all of them, and what the menu shows."""

import re

import pytest

from mailsetup.workspaces import memberships
from mailsetup.workspaces.models import Invitation, Workspace
from tests import factories


@pytest.fixture
def many(alice, session):
    """Alice is a member of 55 customers, besides Northwind of her own."""
    for number in range(55):
        workspace = factories.make_workspace(session, name=f"customer {number:02}")
        factories.make_member(session, workspace, alice.user)
    return alice


def _names(page):
    return [row.workspace.name for row in page.rows]


def test_pages_follow_each_other_without_a_gap(many, session):
    first = memberships.find_memberships(session, many.user.id)
    second = memberships.find_memberships(session, many.user.id, cursor=first.next_cursor or "")
    assert _names(first) + _names(second) == [f"customer {number:02}" for number in range(55)] + ["Northwind"]
    assert second.next_cursor is None


def test_names_that_are_the_same_are_each_shown_once(alice, session, monkeypatch):
    monkeypatch.setattr(memberships, "PAGE", 2)
    for _ in range(4):
        factories.make_member(session, factories.make_workspace(session, name="Twin"), alice.user)
    page = memberships.find_memberships(session, alice.user.id)
    seen = [row.workspace_id for row in page.rows]
    while page.next_cursor:
        page = memberships.find_memberships(session, alice.user.id, cursor=page.next_cursor)
        seen += [row.workspace_id for row in page.rows]
    assert len(seen) == len(set(seen)) == 5


def test_a_name_is_found_by_a_part_of_it_whatever_its_case(many, session):
    assert _names(memberships.find_memberships(session, many.user.id, text="CUSTOMER 07")) == ["customer 07"]
    assert _names(memberships.find_memberships(session, many.user.id, text="%")) == []


def test_a_cursor_tells_nothing_of_a_workspace_of_others(alice, charlie, session):
    page = memberships.find_memberships(session, charlie.user.id, cursor=str(alice.workspace.id))
    assert _names(page) == ["Fabrikam"]
    session.rollback()
    alice.workspace.name = "A"
    session.commit()
    page = memberships.find_memberships(session, charlie.user.id, cursor=str(alice.workspace.id))
    assert _names(page) == ["Fabrikam"]


@pytest.mark.parametrize("cursor", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_a_cursor_that_was_never_given_shows_the_first_page(many, session, cursor):
    assert _names(memberships.find_memberships(session, many.user.id, cursor=cursor))[0] == "customer 00"


def test_nobody_elses_workspaces_are_listed(many, charlie, session):
    assert _names(memberships.find_memberships(session, charlie.user.id)) == ["Fabrikam"]


def test_the_menu_shows_some_and_leads_to_all(many):
    page = many.client.get("/members").text
    assert page.count('name="workspace" value=') == memberships.MENU
    assert "All 56 workspaces" in page
    assert 'href="/workspaces"' in page


def test_a_short_menu_shows_all_and_leads_nowhere(alice, charlie, session):
    factories.make_member(session, charlie.workspace, alice.user)
    page = alice.client.get("/members").text
    assert page.count('name="workspace" value=') == 2
    assert 'href="/workspaces"' not in page


def test_a_workspace_behind_the_menu_is_opened_from_the_page(many, session):
    page = many.client.get("/workspaces?q=customer+54").text
    assert "customer 54" in page
    assert "customer 53" not in page.partition("<main")[2]
    wanted = session.query(Workspace).filter_by(name="customer 54").one()
    many.client.post("/workspaces/switch", data={"workspace": str(wanted.id)})
    assert "open now" in many.client.get("/workspaces?q=customer+54").text


def test_what_is_not_found_is_said(many):
    assert "No workspace matches" in many.client.get("/workspaces?q=nobody").text


def test_who_is_in_no_workspace_is_told_what_to_do(alice, session):
    session.delete(alice.member)
    session.commit()
    page = alice.client.get("/workspaces").text
    assert "No workspace yet" in page
    assert "/workspaces/new" in page


@pytest.fixture
def of_two(alice, charlie, session, app):
    """Alice is an admin of Fabrikam too, has its page of invitations open, and a browser that sends tokens."""
    app.config["WTF_CSRF_ENABLED"] = True
    other = factories.make_member(session, charlie.workspace, alice.user, role="admin")
    _switch(alice, charlie.workspace)
    return other


def _token(person):
    return re.findall(r'name="csrf_token" value="([^"]+)"', person.client.get("/members/invite").text)[0]


def _switch(person, workspace):
    form = {"csrf_token": _token(person), "workspace": str(workspace.id)}
    assert person.client.post("/workspaces/switch", data=form).status_code == 302


def _invite(person, token):
    form = {"csrf_token": token, "email": "new@fabrikam.example", "role": "admin"}
    return person.client.post("/members/invite", data=form)


def test_a_form_of_one_workspace_does_nothing_in_another(alice, of_two, session):
    opened = _token(alice)
    _switch(alice, alice.workspace)
    answer = _invite(alice, opened)
    assert (answer.status_code, session.query(Invitation).count()) == (400, 0)
    assert "see which workspace you are in" in answer.text
    assert _invite(alice, _token(alice)).status_code == 200


def test_a_form_of_a_workspace_that_one_was_taken_out_of_does_nothing(alice, of_two, session):
    opened = _token(alice)
    session.delete(of_two)
    session.commit()
    answer = _invite(alice, opened)
    assert (answer.status_code, session.query(Invitation).count()) == (409, 0)
    assert "no longer in the workspace" in answer.text
    assert "Northwind" in alice.client.get("/members").text
