"""Sessions: how long they last, who sees and ends them, and when somebody must prove again who they are."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, event, func, select, update

from mailsetup.core import db
from mailsetup.core.clock import utcnow
from mailsetup.workspaces import login, sessions
from mailsetup.workspaces.models import UserSession
from tests import people
from tests.factories import PASSWORD

CREDENTIALS = {"email": "alice@northwind.example", "password": PASSWORD}
NEW = "quiet harbour lamp 47"


def change(session, person, **values):
    session.execute(update(UserSession).where(UserSession.user_id == person.user.id).values(**values))
    session.commit()


def test_it_keeps_the_token_as_a_hash_only(client, alice, session):
    client.post("/sign-in", data=CREDENTIALS)
    with client.session_transaction() as cookie:
        token = cookie[login.TOKEN]
    assert len(token) == 43
    assert token not in session.scalars(select(UserSession.token_hash)).all()
    found = sessions.find(session, token)
    assert found is not None
    assert found.user_id == alice.user.id


def test_it_ends_the_session_and_not_only_the_cookie(app: Flask, client, alice):
    """Whoever copied the cookie is out too, and the person's other browsers stay in."""
    client.post("/sign-in", data=CREDENTIALS)
    elsewhere, thief = app.test_client(), app.test_client()
    elsewhere.post("/sign-in", data=CREDENTIALS)
    thief.set_cookie("session", client.get_cookie("session").value)
    assert thief.get("/members").status_code == 200
    client.post("/sign-out")
    assert thief.get("/members").status_code == 302
    assert elsewhere.get("/members").status_code == 200


def test_it_ends_other_sessions_when_the_password_changes(app: Flask, alice):
    elsewhere = people.signed_in_client(app, alice.user, alice.workspace)
    form = {"current_password": PASSWORD, "new_password": NEW}
    assert alice.client.post("/settings/security/password", data=form).status_code == 302
    assert alice.client.get("/members").status_code == 200
    assert elsewhere.get("/members").status_code == 302
    assert elsewhere.post("/sign-in", data={**CREDENTIALS, "password": NEW}).status_code == 302


@pytest.mark.parametrize(
    "values",
    [
        {"seen_at": utcnow() - sessions.IDLE - timedelta(minutes=1)},
        {"expires_at": utcnow() - timedelta(minutes=1)},
    ],
    ids=["idle", "absolute"],
)
def test_it_ends_a_session_after_its_time(alice, session, values):
    assert alice.client.get("/members").status_code == 200
    change(session, alice, **values)
    assert alice.client.get("/members").status_code == 302


def test_it_ends_a_session_after_twelve_hours_however_busy(alice, session):
    row = session.scalars(select(UserSession)).one()
    assert row.expires_at - row.created_at == pytest.approx(timedelta(hours=12), abs=timedelta(seconds=5))
    change(session, alice, seen_at=utcnow() - timedelta(minutes=10))
    alice.client.get("/members")
    assert session.scalars(select(UserSession)).one().expires_at == row.expires_at


@pytest.mark.parametrize("forged", ["", "x", "A" * 43, "00000000-0000-0000-0000-000000000000.0"])
def test_it_knows_nobody_behind_a_forged_token(client, alice, forged):
    with client.session_transaction() as cookie:
        cookie[login.TOKEN] = forged
    assert client.get("/members").status_code == 302


def test_it_asks_the_database_once_for_the_person_and_writes_rarely(alice, session):
    asked: list[str] = []
    engine = db.engine()
    event.listen(engine, "before_cursor_execute", lambda *words: asked.append(words[2]))
    alice.client.get("/settings/security")
    by_token = [words for words in asked if "user_sessions.token_hash = " in words]
    assert len(by_token) == 1
    assert not [words for words in asked if words.startswith("UPDATE user_sessions")]
    change(session, alice, seen_at=utcnow() - sessions.SEEN_COARSE - timedelta(seconds=1))
    for _ in range(3):
        alice.client.get("/settings/security")
    assert len([words for words in asked if words.startswith("UPDATE user_sessions")]) == 1


def test_it_lists_where_a_person_is_signed_in(app: Flask, alice, bob, session):
    other = app.test_client()
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36 Edg/131.0"
    other.post("/sign-in", data=CREDENTIALS, headers={"User-Agent": agent}, environ_base={"REMOTE_ADDR": "192.0.2.44"})
    page = alice.client.get("/settings/security").text
    assert "Edge on Windows" in page
    assert "192.0.2.44" in page
    assert "this browser" in page
    assert page.count("/sessions/") == 2  # one form for the other browser, one for all others


def test_it_ends_one_other_session(app: Flask, alice, session):
    other = people.signed_in_client(app, alice.user, alice.workspace)
    newest = session.scalars(select(UserSession.id).order_by(UserSession.id.desc())).first()
    answer = alice.client.post(f"/settings/security/sessions/{newest}/end")
    assert answer.status_code == 302
    assert other.get("/members").status_code == 302
    assert alice.client.get("/members").status_code == 200


def test_it_ends_all_others(app: Flask, alice, bob, session):
    others = [people.signed_in_client(app, alice.user, alice.workspace) for _ in range(2)]
    alice.client.post("/settings/security/sessions/end-others")
    assert [browser.get("/members").status_code for browser in (*others, alice.client, bob.client)] == [
        302, 302, 200, 200
    ]  # fmt: skip


def test_it_forgets_sessions_that_are_over(client, alice, session):
    change(session, alice, expires_at=utcnow() - timedelta(days=1))
    client.post("/sign-in", data=CREDENTIALS)
    assert session.scalar(select(func.count()).select_from(UserSession)) == 1


LATE = {"proved_at": utcnow() - sessions.PROOF_LASTS - timedelta(minutes=1)}
SENSITIVE = [
    ("GET", "/credentials/new"), ("POST", "/credentials/new"), ("GET", "/api-keys/new"), ("POST", "/api-keys/new"),
    ("GET", "/members/invite"), ("POST", "/members/invite"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), SENSITIVE)
def test_it_asks_again_before_secrets_keys_and_members_change(alice, session, method, path):
    change(session, alice, **LATE)
    answer = alice.client.open(path, method=method, headers={"Referer": f"http://localhost{path}"})
    assert answer.status_code == 302
    assert answer.location == f"/sign-in/again?next={path}"
    assert alice.client.get("/members").status_code == 200


def test_it_opens_no_form_that_could_not_be_sent(alice, session):
    change(session, alice, proved_at=utcnow() - sessions.PROOF_LASTS + timedelta(minutes=5))
    assert alice.client.get("/api-keys/new").status_code == 302
    form = {"name": "Shop", "scopes": ["send"]}
    assert alice.client.post("/api-keys/new", data=form).status_code == 201


def test_it_goes_on_after_the_right_password_with_another_token(app: Flask, alice, session):
    change(session, alice, **LATE)
    thief = app.test_client()
    thief.set_cookie("session", alice.client.get_cookie("session").value)
    form = {"password": PASSWORD, "next": "/api-keys/new"}
    assert alice.client.post("/sign-in/again", data=form).location == "/api-keys/new"
    assert alice.client.get("/api-keys/new").status_code == 200
    assert thief.get("/members").status_code == 302


def test_it_refuses_a_wrong_password_and_foreign_ways_back(alice, session):
    change(session, alice, **LATE)
    wrong = alice.client.post("/sign-in/again", data={"password": "not it at all"})
    assert (wrong.status_code, "not your password" in wrong.text) == (422, True)
    assert alice.client.get("/api-keys/new").status_code == 302
    form = {"password": PASSWORD, "next": "https://evil.example/"}
    assert alice.client.post("/sign-in/again", data=form).location == "/"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17 Safari/604", "Safari on iPhone"),
        ("curl/8.0", "A program"),
        ("", "A program"),
    ],
)  # fmt: skip
def test_it_names_a_browser_as_people_do(agent, words):
    assert login.browser_words(agent) == words


def test_it_answers_who_was_signed_out_elsewhere_meanwhile(alice, client, session):
    """Between the check at the door and the page, another browser ends every session."""
    client.post("/sign-in", data=CREDENTIALS)

    def end_all(_session):
        session.execute(delete(UserSession).where(UserSession.user_id == alice.user.id))
        session.commit()

    event.listen(db.sessions(), "after_rollback", end_all, once=True)
    wrong = {"current_password": "not this one", "new_password": NEW}
    answer = client.post("/settings/security/password", data=wrong)
    assert (answer.status_code, "This cannot be done now" in answer.text) == (409, True)
    assert client.get("/settings/security").status_code == 302
