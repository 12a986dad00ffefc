"""Making an account tells nobody which addresses have one."""

import re

import pytest
from sqlalchemy import func, select

from mailsetup.core.redact import Secret
from mailsetup.workspaces.models import Letter, Member, User
from tests.factories import PASSWORD
from tests.workspaces.conftest import link_in, words_of

FORM = {"name": "Dora", "email": "dora@contoso.example", "password": PASSWORD, "workspace_name": "Contoso"}
ALICE = "alice@northwind.example"


@pytest.fixture
def settings_changes(operator_server):
    address = Secret(f"smtp://127.0.0.1:{operator_server[1]}?tls=none")
    return {"operator_smtp_url": address, "confirm_sign_up": True}


def people(session):
    return session.scalar(select(func.count()).select_from(User))


def test_it_answers_the_same_whether_the_address_is_known(client, alice, session):
    new, known = client.post("/sign-up", data=FORM), client.post("/sign-up", data={**FORM, "email": ALICE})
    assert (new.status_code, known.status_code) == (200, 200)
    assert words_of(new, FORM["email"]) == words_of(known, ALICE)
    assert people(session) == 1
    assert client.get("/settings").status_code == 302


def test_it_makes_the_account_of_who_has_the_address(client, session, letters_sent):
    client.post("/sign-up", data={**FORM, "timezone": "Europe/Berlin"})
    link = link_in(letters_sent()[0])
    assert "Dora" in client.get(link).text
    assert people(session) == 0
    assert client.post(link).location == "/"
    member = session.scalars(select(Member)).unique().one()
    assert (member.user.email, member.role, member.workspace.name) == (FORM["email"], "owner", "Contoso")
    assert member.user.timezone == "Europe/Berlin"
    assert client.get("/settings").status_code == 200
    assert client.post(link).status_code == 404
    assert session.scalars(select(Letter.detail)).all() == [{}]


def test_it_mails_whoever_has_an_account_already(client, alice, letters_sent):
    client.post("/sign-up", data={**FORM, "email": ALICE})
    (mail,) = letters_sent()
    assert (str(mail["To"]), str(mail["Subject"])) == (ALICE, "You have an account already")
    assert "http://localhost/sign-in" in mail.get_content()


def test_it_makes_no_second_account_out_of_two_letters(client, session, letters_sent):
    for name in ("Dora", "Doris"):
        client.post("/sign-up", data={**FORM, "name": name})
    links = [link_in(mail) for mail in letters_sent()]
    assert [client.post(link).status_code for link in links] == [302, 404]
    assert people(session) == 1


def test_it_still_names_what_is_wrong(client, session):
    answer = client.post("/sign-up", data={**FORM, "password": "short"})
    assert (answer.status_code, "too short" in answer.text) == (422, True)
    assert session.scalars(select(Letter)).all() == []


def invite(person, email="dora@northwind.example"):
    page = person.client.post("/members/invite", data={"email": email, "role": "member"})
    return str(re.findall(r"http://localhost(/invitations/[\w-]+)", page.text)[0])


JOIN = {"name": "Dora", "email": "dora@northwind.example", "password": PASSWORD}


def test_it_mails_an_invitation_whose_link_proves_the_address(alice, client, session, letters_sent):
    shown = invite(alice)
    (mail,) = letters_sent()
    mailed = link_in(mail)
    assert (str(mail["To"]), mailed != shown) == (JOIN["email"], True)
    for words in ("Alice", "Northwind", "member"):
        assert words in mail.get_content()
    assert client.post(mailed, data=JOIN).location == "/"
    assert client.get(shown).status_code == 404
    assert people(session) == 2


@pytest.mark.parametrize("email", ["dora@northwind.example", "bob@northwind.example"])
def test_it_asks_who_was_shown_an_invitation_to_prove_the_address(alice, bob, client, session, letters_sent, email):
    shown = invite(alice)
    answer = client.post(shown, data={**JOIN, "email": email})
    assert (answer.status_code, "Look in your inbox" in answer.text) == (200, True)
    assert people(session) == 2
    subjects = {str(mail["Subject"]) for mail in letters_sent() if mail["To"] == email}
    assert ("You have an account already" in subjects) == (email == "bob@northwind.example")


def test_it_lets_who_proved_the_address_into_the_workspace(alice, client, session, letters_sent):
    client.post(invite(alice), data=JOIN)
    letter = next(mail for mail in letters_sent() if "Confirm" in str(mail["Subject"]))
    assert client.post(link_in(letter)).location == "/"
    found = session.scalars(select(Member).join(User).where(User.email == JOIN["email"])).unique().one()
    assert (found.workspace_id, found.role) == (alice.workspace.id, "member")
