"""Who is in a workspace: roles, leaving, removing, and the last owner."""

import re

import pytest
from sqlalchemy import select

from mailsetup.core.errors import Conflict, InvalidInput, NotAllowed
from mailsetup.workspaces import members
from mailsetup.workspaces.memberships import memberships
from mailsetup.workspaces.models import AuditEvent, Member
from tests import factories


def roles(session, workspace):
    return {row.user.name: row.role for row in members.list_members(session, workspace.id)}


def actions(session):
    return session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()


def test_it_lists_everybody_owners_first(alice, bob, ada):
    page = bob.client.get("/members").text
    assert re.findall(r'<th scope="row">(\w+)', page) == ["Alice", "Ada", "Bob"]
    assert "ada@northwind.example" in page


def test_it_shows_members_no_buttons_they_may_not_use(bob):
    page = bob.client.get("/members").text
    assert "/members/leave" in page
    assert "Invite somebody" not in page
    assert "/role" not in page
    assert "/remove" not in page


def test_it_changes_a_role_and_writes_it_down(ada, bob, session):
    answer = ada.client.post(f"/members/{bob.member.id}/role", data={"role": "admin"}, follow_redirects=False)
    assert answer.status_code == 302
    assert roles(session, ada.workspace)["Bob"] == "admin"
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "member:change-role")).one()
    assert (event.actor_label, event.subject, event.detail) == (
        "ada@northwind.example",
        "bob@northwind.example",
        {"role": "admin", "was": "member"},
    )


def test_it_lets_only_owners_make_owners(ada, bob, session):
    assert ada.client.post(f"/members/{bob.member.id}/role", data={"role": "owner"}).status_code == 403
    assert roles(session, ada.workspace)["Bob"] == "member"


@pytest.mark.parametrize(("path", "form"), [("role", {"role": "member"}), ("remove", {})])
def test_it_lets_only_owners_touch_owners(alice, ada, session, path, form):
    assert ada.client.post(f"/members/{alice.member.id}/{path}", data=form).status_code == 403
    assert roles(session, ada.workspace)["Alice"] == "owner"


def test_it_lets_an_owner_make_another(alice, ada, session):
    alice.client.post(f"/members/{ada.member.id}/role", data={"role": "owner"})
    assert roles(session, alice.workspace)["Ada"] == "owner"


@pytest.mark.parametrize(("path", "form"), [("{}/role", {"role": "admin"}), ("{}/remove", {}), ("leave", {})])
def test_it_keeps_the_last_owner(alice, ada, session, path, form):
    answer = alice.client.post(f"/members/{path.format(alice.member.id)}", data=form, follow_redirects=True)
    assert "Alice is the only owner" in answer.text
    assert roles(session, alice.workspace)["Alice"] == "owner"


def test_it_offers_the_only_owner_no_way_to_leave(alice, ada, session):
    assert "Only owner" in alice.client.get("/members").text
    assert "/members/leave" not in alice.client.get("/members").text
    assert "/members/leave" in ada.client.get("/members").text
    members.change_role(session, ada.member, "owner", by=alice.member)
    session.commit()
    assert "/members/leave" in alice.client.get("/members").text


def test_it_lets_an_owner_leave_when_there_is_another(alice, ada, session):
    members.change_role(session, ada.member, "owner", by=alice.member)
    session.commit()
    alice.client.post("/members/leave")
    assert roles(session, alice.workspace) == {"Ada": "owner"}


def test_it_removes_a_member_who_is_out_with_the_next_click(ada, bob, session):
    assert bob.client.get("/members").status_code == 200
    ada.client.post(f"/members/{bob.member.id}/remove")
    assert bob.client.get("/members").location == "/workspaces/new"
    assert "member:remove" in actions(session)


def test_it_lets_a_member_leave(bob, session):
    assert bob.client.post("/members/leave").status_code == 302
    assert "Bob" not in roles(session, bob.workspace)
    assert actions(session)[-1] == "member:leave"


@pytest.mark.parametrize("role", ["", "root", "OWNER"])
def test_it_refuses_roles_that_do_not_exist(alice, bob, session, role):
    assert alice.client.post(f"/members/{bob.member.id}/role", data={"role": role}).status_code == 422
    assert roles(session, alice.workspace)["Bob"] == "member"


def test_it_decides_again_after_the_lock(alice, ada, session):
    """The other owner was demoted after this page was opened."""
    members.change_role(session, ada.member, "owner", by=alice.member)
    session.flush()
    session.query(Member).filter_by(id=ada.member.id).update({"role": "admin"}, synchronize_session=False)
    with pytest.raises(Conflict):
        members.change_role(session, alice.member, "admin", by=alice.member)
    with pytest.raises(NotAllowed):
        members.change_role(session, alice.member, "admin", by=ada.member)


def test_it_switches_between_own_workspaces_only(alice, charlie, session):
    factories.make_member(session, charlie.workspace, alice.user, role="member")
    answer = alice.client.post("/workspaces/switch", data={"workspace": str(charlie.workspace.id)})
    assert answer.status_code == 302
    assert "charlie@fabrikam.example" in alice.client.get("/members").text


@pytest.mark.parametrize("wanted", ["theirs", "", "no-uuid", "00000000-0000-0000-0000-000000000000"])
def test_it_does_not_know_other_workspaces(alice, charlie, wanted):
    workspace = str(charlie.workspace.id) if wanted == "theirs" else wanted
    assert alice.client.post("/workspaces/switch", data={"workspace": workspace}).status_code == 404
    assert "charlie" not in alice.client.get("/members").text


def test_it_ignores_a_foreign_workspace_in_the_session(alice, charlie):
    with alice.client.session_transaction() as cookie:
        cookie["workspace_id"] = str(charlie.workspace.id)
    page = alice.client.get("/members").text
    assert "Northwind" in page
    assert "charlie" not in page


def test_it_makes_one_more_workspace_and_goes_there(alice, session):
    alice.client.post("/workspaces/new", data={"name": "  Northwind   Test "})
    page = alice.client.get("/members").text
    assert "Northwind Test" in page
    assert {row.workspace.name for row in memberships(session, alice.user.id)} == {
        "Northwind",
        "Northwind Test",
    }


def test_it_refuses_a_workspace_without_a_name(alice, session):
    answer = alice.client.post("/workspaces/new", data={"name": "   "})
    assert answer.status_code == 422
    with pytest.raises(InvalidInput):
        members.create_workspace(session, name="x" * 101, owner=alice.user, actor=alice.actor)


def test_it_makes_only_so_many_workspaces_a_day(throttles, alice):
    answers = [alice.client.post("/workspaces/new", data={"name": f"W{n}"}).status_code for n in range(11)]
    assert answers == [302] * 10 + [429]
