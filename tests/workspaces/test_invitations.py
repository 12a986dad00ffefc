"""Invitations: shown once, used once, by whoever has the link."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from mailsetup.core.clock import utcnow
from mailsetup.core.errors import NotFound
from mailsetup.workspaces import invitations
from mailsetup.workspaces.models import AuditEvent, Invitation, Member, User
from tests.factories import PASSWORD

NEW = {"name": "Dora", "email": "dora@northwind.example", "password": PASSWORD}


@pytest.fixture
def link(ada):
    """The path of a link that makes somebody a member of Northwind."""
    return make_link(ada, "dora@northwind.example", "member")


def make_link(person, email, role):
    page = person.client.post("/members/invite", data={"email": email, "role": role})
    assert page.status_code == 200, page.text
    return str(re.findall(r"http://localhost(/invitations/[\w-]+)", page.text)[0])


def roles(session, workspace):
    query = select(User.email, Member.role).join(Member, Member.user_id == User.id)
    return dict(session.execute(query.where(Member.workspace_id == workspace.id)).all())


def test_it_shows_the_link_once_and_keeps_only_its_hash(ada, link, session):
    token = link.rpartition("/")[2]
    row = session.scalars(select(Invitation)).one()
    assert len(token) == 43
    assert token not in repr(vars(row))
    assert row.expires_at - row.created_at <= timedelta(days=7)
    page = ada.client.get("/members").text
    assert "dora@northwind.example" in page
    assert token not in page


def test_it_lets_a_new_person_in(client, link, ada, session):
    page = client.get(link)
    assert "Northwind" in page.text
    assert 'value="dora@northwind.example"' in page.text
    assert client.post(link, data=NEW).status_code == 302
    assert roles(session, ada.workspace)["dora@northwind.example"] == "member"
    assert client.get("/members").status_code == 200
    assert [event.action for event in session.scalars(select(AuditEvent))][-1] == "invitation:accept"


def test_it_lets_somebody_in_who_has_an_account(charlie, link, ada, session):
    assert "Charlie" in charlie.client.get(link).text
    charlie.client.post(link)
    assert roles(session, ada.workspace)["charlie@fabrikam.example"] == "member"
    assert "ada@northwind.example" in charlie.client.get("/members").text


def test_it_changes_nothing_by_opening_the_link(charlie, link, ada, session):
    charlie.client.get(link)
    charlie.client.head(link)
    assert "charlie@fabrikam.example" not in roles(session, ada.workspace)


def test_it_works_once(client, app, charlie, link, ada, session):
    client.post(link, data=NEW)
    for answer in (charlie.client.get(link), charlie.client.post(link)):
        assert answer.status_code == 404
        assert "This invitation cannot be used" in answer.text
    assert "charlie@fabrikam.example" not in roles(session, ada.workspace)


def test_it_lets_only_the_first_of_two_at_the_same_moment(alice, charlie, link, session):
    row = session.scalars(select(Invitation)).one()
    invitations.accept(session, row, charlie.user)
    with pytest.raises(NotFound):
        invitations._use(session, row, accepted_at=utcnow())


def test_it_keeps_the_link_when_the_form_was_wrong(client, link):
    assert client.post(link, data={**NEW, "password": "short"}).status_code == 422
    assert client.post(link, data=NEW).status_code == 302


def test_it_ends_after_seven_days(client, link, session):
    session.scalars(select(Invitation)).one().expires_at = utcnow() - timedelta(seconds=1)
    session.commit()
    assert client.post(link, data=NEW).status_code == 404
    assert session.scalars(select(User).where(User.email == NEW["email"])).first() is None


def test_it_can_be_revoked(ada, client, link, session):
    row = session.scalars(select(Invitation)).one()
    ada.client.post(f"/members/invitations/{row.id}/revoke")
    assert client.get(link).status_code == 404
    assert invitations.list_invitations(session, ada.workspace.id) == []


@pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 42, "A" * 44, "%20" * 43, "é" * 43])
def test_it_has_one_answer_for_links_that_are_wrong(client, link, token):
    answer = client.get(f"/invitations/{token}")
    assert answer.status_code == 404
    assert "This invitation cannot be used" in answer.text


def test_it_never_matches_an_empty_hash(session, alice, link):
    session.scalars(select(Invitation)).one().token_hash = ""
    session.flush()
    with pytest.raises(NotFound):
        invitations.find_by_token(session, "")


def test_it_lets_admins_invite_admins_but_not_owners(ada, alice, session):
    assert ada.client.post("/members/invite", data={"email": "o@northwind.example", "role": "owner"}).status_code == 403
    assert session.scalars(select(Invitation)).first() is None
    make_link(ada, "a@northwind.example", "admin")
    make_link(alice, "o@northwind.example", "owner")


@pytest.mark.parametrize("email", ["bob@northwind.example", "BOB@Northwind.example"])
def test_it_does_not_invite_who_is_in_already(ada, bob, email):
    answer = ada.client.post("/members/invite", data={"email": email, "role": "member"})
    assert answer.status_code == 422
    assert "already in this workspace" in answer.text


def test_it_does_not_invite_twice(ada, link):
    answer = ada.client.post("/members/invite", data={"email": "dora@northwind.example", "role": "member"})
    assert answer.status_code == 422
    assert "open invitation already" in answer.text


def test_it_leaves_the_invitation_of_who_is_in_already(bob, link, client):
    answer = bob.client.post(link, follow_redirects=False)
    assert answer.status_code == 302
    assert client.get(link).status_code == 200


def test_it_makes_no_operator_out_of_an_invitation_by_a_customer(ada, client, session):
    link = make_link(ada, "olivia@mailsetup.example", "member")
    answer = client.post(link, data={**NEW, "email": "olivia@mailsetup.example"})
    assert answer.status_code == 422
    assert "belongs to an operator" in answer.text


def test_it_makes_an_operator_out_of_the_servers_own_invitation(alice, client, session):
    row, token = invitations.invite_by_operator(
        session, alice.workspace.id, email="Olivia@mailsetup.example", role="owner", actor=alice.actor
    )
    answer = client.post(f"/invitations/{token.reveal()}", data={**NEW, "email": row.email})
    assert answer.status_code == 302
    assert roles(session, alice.workspace)["olivia@mailsetup.example"] == "owner"


def test_it_ends_with_whoever_made_it(ada, alice, client, link, session):
    inviter = session.scalars(select(Member).where(Member.user_id == ada.user.id)).one()
    alice.client.post(f"/members/{inviter.id}/remove")
    assert client.get(link).status_code == 404
    assert invitations.list_invitations(session, alice.workspace.id) == []
    removal = session.scalars(select(AuditEvent).where(AuditEvent.action == "member:remove")).one()
    assert removal.detail["invitations"] == 1


def test_it_ends_when_whoever_made_it_may_no_longer_give_the_role(ada, alice, client, session):
    kept, ended = (make_link(ada, f"{role}@northwind.example", role) for role in ("admin", "member"))
    inviter = session.scalars(select(Member).where(Member.user_id == ada.user.id)).one()
    alice.client.post(f"/members/{inviter.id}/role", data={"role": "admin"})
    assert client.get(kept).status_code == 200
    alice.client.post(f"/members/{inviter.id}/role", data={"role": "member"})
    assert [client.get(link).status_code for link in (kept, ended)] == [404, 404]
