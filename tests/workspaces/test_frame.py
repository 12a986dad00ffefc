"""What the frame of a page says of people and workspaces."""

import pytest

from mailsetup.web.frame import current_frame
from tests import factories, people


@pytest.fixture
def frame_for(app):
    """The frame that this person's next page has."""

    def ask(person):
        with person.client as browser:
            browser.get("/members")
            return current_frame()

    return ask


def test_it_names_the_person_and_the_workspace(frame_for, alice):
    frame = frame_for(alice)
    assert (frame.person.name, frame.person.email) == ("Alice", "alice@northwind.example")
    assert frame.workspace.name == "Northwind"
    assert frame.workspaces == []
    assert not frame.operator


def test_it_lets_a_person_of_two_workspaces_switch(frame_for, alice, charlie, session):
    factories.make_member(session, charlie.workspace, alice.user)
    frame = frame_for(alice)
    assert [choice.name for choice in frame.workspaces] == ["Fabrikam", "Northwind"]
    assert frame.workspace.name == "Northwind"


def test_it_knows_the_operator(frame_for, app, session):
    olivia = people.founder(app, session, name="Olivia", email="olivia@mailsetup.example", workspace_name="Operations")
    assert frame_for(olivia).operator


def test_it_says_nothing_to_visitors(client):
    page = client.get("/sign-in").text
    assert "Sign out" not in page
    assert 'aria-label="Main"' not in page


def test_it_offers_the_audit_page_only_to_those_who_may_open_it(alice, bob):
    assert 'href="/audit"' in alice.client.get("/members").text
    assert 'href="/audit"' not in bob.client.get("/members").text
