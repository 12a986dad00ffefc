"""A new password by mail: for who has the address, once, and without telling who has an account."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from mailsetup.core.clock import utcnow
from mailsetup.core.redact import Secret
from mailsetup.workspaces import letters, post, second_factor
from mailsetup.workspaces.models import AuditEvent, Letter, SecondFactor, UserSession
from mailsetup.workspaces.tokens import token_hash
from tests import factories
from tests.factories import PASSWORD
from tests.workspaces.conftest import link_in, words_of

ALICE = "alice@northwind.example"
NEW = "quiet harbour lamp 47"


@pytest.fixture
def settings_changes(operator_server):
    return {"operator_smtp_url": Secret(f"smtp://127.0.0.1:{operator_server[1]}?tls=none")}


def ask(client, email=ALICE):
    return client.post("/sign-in/forgotten", data={"email": email})


@pytest.fixture
def link(client, alice, letters_sent):
    ask(client)
    (mail,) = letters_sent()
    return link_in(mail)


def test_it_sets_a_new_password_and_signs_out_everywhere(client, alice, link, session):
    assert client.get(link).status_code == 200
    answer = client.post(link, data={"password": NEW})
    assert (answer.status_code, answer.location) == (302, "/sign-in")
    assert session.scalars(select(UserSession)).all() == []
    assert alice.client.get("/members").status_code == 302
    assert client.post("/sign-in", data={"email": ALICE, "password": PASSWORD}).status_code == 422
    assert client.post("/sign-in", data={"email": ALICE, "password": NEW}).status_code == 302
    assert "user:change-password" in session.scalars(select(AuditEvent.action)).all()


def test_it_still_asks_for_the_second_factor(client, alice, link, session):
    second_factor.begin(session, alice.user)
    session.execute(update(SecondFactor).values(confirmed_at=utcnow()))
    client.post(link, data={"password": NEW})
    assert client.post("/sign-in", data={"email": ALICE, "password": NEW}).location == "/sign-in/code"


def test_it_answers_the_same_whoever_asks(client, alice, letters_sent):
    known, unknown = ask(client), ask(client, "nobody@northwind.example")
    assert words_of(known, ALICE) == words_of(unknown, "nobody@northwind.example")
    assert [str(mail["To"]) for mail in letters_sent()] == [ALICE]


def test_it_writes_to_no_domain_that_reads_alike(client, session, letters_sent):
    factories.make_user(session, email="anna@Faß.example")
    factories.make_user(session, email="anna@fass.example")
    ask(client, "Anna@faß.example")
    assert [str(mail["To"]) for mail in letters_sent()] == ["anna@xn--fa-hia.example"]


def test_it_does_the_same_work_for_unknown_people(client, alice, session):
    ask(client)
    ask(client, "nobody@northwind.example")
    rows = session.scalars(select(Letter).order_by(Letter.id)).all()
    assert [(row.email, row.silent) for row in rows] == [(ALICE, False), ("nobody@northwind.example", True)]


def test_it_works_once(client, link):
    client.post(link, data={"password": NEW})
    again = client.post(link, data={"password": "another harbour lamp 48"})
    assert (again.status_code, "cannot be used" in again.text) == (404, True)
    assert client.post("/sign-in", data={"email": ALICE, "password": NEW}).status_code == 302


def test_it_voids_the_other_links_of_the_person(client, link, letters_sent):
    ask(client)
    other = link_in(letters_sent()[0])
    assert other != link
    client.post(other, data={"password": NEW})
    assert client.get(link).status_code == 404


def test_it_ends_after_half_an_hour(client, link, session):
    row = session.scalars(select(Letter)).one()
    assert row.expires_at - row.sent_at <= timedelta(minutes=30)
    session.execute(update(Letter).values(expires_at=utcnow() - timedelta(seconds=1)))
    session.commit()
    assert client.post(link, data={"password": NEW}).status_code == 404


@pytest.mark.parametrize("token", ["A" * 43, "short", "%20" * 43])
def test_it_opens_for_no_made_up_link(client, alice, token):
    assert client.get(f"/sign-in/new-password/{token}").status_code == 404


def test_it_keeps_the_link_after_a_password_that_is_refused(client, link):
    refused = client.post(link, data={"password": "short"})
    assert (refused.status_code, "too short" in refused.text) == (422, True)
    assert client.post(link, data={"password": NEW}).status_code == 302


def test_it_keeps_the_token_in_the_mail_only(link, session):
    token = link.rpartition("/")[2]
    row = session.scalars(select(Letter)).one()
    assert row.token_hash == token_hash(token)
    assert token not in repr({name: getattr(row, name) for name in ("email", "detail", "token_hash")})


def test_it_does_not_fill_an_inbox(client, alice, letters_sent):
    for _ in range(letters.MOST_AN_HOUR + 3):
        assert ask(client).status_code == 200
    assert len(letters_sent()) == letters.MOST_AN_HOUR


def test_it_throttles_asking(throttles, client, alice):
    assert [ask(client).status_code for _ in range(11)][-1] == 429


def test_it_tries_again_when_the_mail_server_does_not_answer(client, alice, session, letters_sent, monkeypatch):
    monkeypatch.setattr(post, "can_write", lambda: False)
    ask(client)
    assert letters_sent() == []
    row = session.scalars(select(Letter)).one()
    assert (row.attempts, row.sent_at, row.next_attempt_at > utcnow()) == (1, None, True)
    monkeypatch.undo()
    session.execute(update(Letter).values(next_attempt_at=utcnow()))
    session.commit()
    assert len(letters_sent()) == 1


def test_it_says_so_where_no_mail_can_be_sent(client, monkeypatch):
    monkeypatch.setattr(post, "can_write", lambda: False)
    assert "Ask whoever runs it" in client.get("/sign-in/forgotten").text


def test_it_rings_for_letters_that_were_left_and_forgets_old_ones(client, alice, session, letters_sent):
    ask(client)
    letters_sent()
    session.execute(update(Letter).values(expires_at=utcnow() - timedelta(days=9)))
    post.upkeep(session)
    assert session.scalars(select(Letter)).all() == []
