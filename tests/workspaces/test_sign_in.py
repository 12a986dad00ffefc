"""Making an account, signing in and out, and what ends a session."""

import pytest
from sqlalchemy import func, select

from mailsetup.core.errors import InvalidInput
from mailsetup.workspaces import passwords, sign_in
from mailsetup.workspaces.models import AuditEvent, Member, User, Workspace, WorkspaceKey
from tests.factories import PASSWORD

FORM = {"name": "Dora", "email": "Dora@Contoso.Example", "password": PASSWORD, "workspace_name": "Contoso"}
CREDENTIALS = {"email": "alice@northwind.example", "password": PASSWORD}


def test_it_makes_an_account_with_a_workspace_and_its_key(client, session):
    answer = client.post("/sign-up", data={**FORM, "timezone": "Europe/Berlin"})
    assert (answer.status_code, answer.location) == (302, "/")
    user = session.scalars(select(User)).one()
    assert (user.email, user.timezone) == ("dora@contoso.example", "Europe/Berlin")
    member = session.scalars(select(Member)).unique().one()
    assert (member.user_id, member.role, member.workspace.name) == (user.id, "owner", "Contoso")
    assert session.get(WorkspaceKey, member.workspace_id) is not None
    assert client.get("/settings").status_code == 200


def test_it_names_every_wrong_answer_and_keeps_what_was_typed(client, session):
    answer = client.post(
        "/sign-up", data={"name": " ", "email": "nobody", "password": "short", "workspace_name": "Kept"}
    )
    assert answer.status_code == 422
    for words in ("Say what your name is", "not an e-mail address", "too short", 'value="Kept"'):
        assert words in answer.text
    assert "short" not in answer.text.replace("too short", "")
    assert session.scalar(select(func.count()).select_from(User)) == 0


@pytest.mark.parametrize("field", ["name", "workspace_name"])
def test_it_refuses_names_that_cannot_be_shown(client, session, field):
    answer = client.post("/sign-up", data={**FORM, field: "Dora\u202eevil"})
    assert answer.status_code == 422
    assert session.scalar(select(func.count()).select_from(Workspace)) == 0


@pytest.mark.parametrize(
    "address", ["a b@c.example", "a@b", "a@b.example\r\nBcc: x@y.example", "@b.example", "a" * 300]
)
def test_it_refuses_what_is_no_address(client, address):
    assert client.post("/sign-up", data={**FORM, "email": address}).status_code == 422


def test_it_refuses_a_second_account_with_the_same_address(client, alice, session):
    answer = client.post("/sign-up", data={**FORM, "email": "ALICE@northwind.example"})
    assert (answer.status_code, "Look in your inbox" in answer.text) == (200, True)
    assert client.get("/settings").status_code == 302
    assert session.scalar(select(func.count()).select_from(User)) == 1


def test_it_lets_nobody_take_an_operators_address(client, session):
    answer = client.post("/sign-up", data={**FORM, "email": "Olivia@mailsetup.example"})
    assert answer.status_code == 422
    assert "belongs to an operator" in answer.text
    assert session.scalar(select(func.count()).select_from(User)) == 0


@pytest.mark.parametrize(
    "password",
    ["elevenchars", "passwordpassword", "Password123456!", "aaaabbbbccccdd", "northwind-alice1", "x" * 257],
)
def test_it_refuses_passwords_that_are_easy_to_guess(password):
    with pytest.raises(InvalidInput) as raised:
        passwords.check_password(password, email="alice@northwind.example", name="Alice")
    assert list(raised.value.fields) == ["password"]


def test_it_takes_a_password_of_any_characters():
    words = " blaues Pferd 馬 springt "
    assert passwords.check_password(words, email="a@b.example", name="A") == words
    assert passwords.verify_password(passwords.hash_password(words), words)
    assert not passwords.verify_password(passwords.hash_password(words), words.strip())


def test_it_signs_in_and_writes_it_down(client, alice, session):
    answer = client.post("/sign-in", data={**CREDENTIALS, "email": " ALICE@northwind.example "})
    assert (answer.status_code, answer.location) == (302, "/")
    assert client.get("/members").status_code == 200
    assert session.get(User, alice.user.id).last_sign_in_at is not None
    assert session.scalars(select(AuditEvent.action)).all().count("user:sign-in") == 1


@pytest.mark.parametrize("wrong", [{"password": "not the password"}, {"email": "nobody@northwind.example"}])
def test_it_gives_one_answer_to_a_wrong_address_and_a_wrong_password(client, alice, wrong):
    answer = client.post("/sign-in", data={**CREDENTIALS, **wrong})
    assert answer.status_code == 422
    assert "The e-mail address or the password is not right" in answer.text
    assert client.get("/members").status_code == 302


@pytest.mark.parametrize(
    ("field", "words"), [("email", "Type your e-mail address."), ("password", "Type your password.")]
)
def test_it_says_beside_the_field_what_is_missing(client, alice, field, words):
    answer = client.post("/sign-in", data={"email": alice.user.email, "password": "something", field: " "})
    assert answer.status_code == 422
    assert f'id="f-{field}-error"' in answer.text
    assert words in answer.text
    assert client.get("/members").status_code == 302


def test_it_verifies_a_hash_for_unknown_people_too(app, session, monkeypatch):
    seen = []
    monkeypatch.setattr(sign_in, "verify_password", lambda stored, word: seen.append((stored, word)))
    assert sign_in.authenticate(session, email="nobody@northwind.example", password=PASSWORD) is None
    assert seen == [(None, PASSWORD)]
    assert not passwords.verify_password(None, "a password that nobody has")


def test_it_starts_a_session_that_keeps_nothing_from_before(client, alice, charlie):
    with client.session_transaction() as cookie:
        cookie["workspace_id"] = str(charlie.workspace.id)
        cookie["planted"] = "yes"
    client.post("/sign-in", data=CREDENTIALS)
    with client.session_transaction() as cookie:
        assert "planted" not in cookie
        assert cookie.get("workspace_id") != str(charlie.workspace.id)


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
     "javascript:alert(1)", "/%0d%0aLocation: x", ""],
)  # fmt: skip
def test_it_follows_next_only_within_this_site(client, alice, target):
    answer = client.post("/sign-in", data={**CREDENTIALS, "next": target})
    assert answer.location.startswith("/")
    assert "evil" not in answer.location
    assert "javascript" not in answer.location


def test_it_comes_back_to_the_page_that_asked_to_sign_in(client, alice):
    asked = client.get("/audit?action=member:remove")
    assert asked.location == "/sign-in?next=/audit?action%3Dmember:remove"
    page = client.get(asked.location)
    assert 'value="/audit?action=member:remove"' in page.text
    assert client.post("/sign-in", data={**CREDENTIALS, "next": "/audit"}).location == "/audit"


def test_it_tells_htmx_to_open_the_sign_in_page(client):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/members"}
    answer = client.get("/members", headers=headers)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/sign-in?next=/members")


def test_it_signs_out_by_post_only(alice):
    assert alice.client.get("/sign-out").status_code == 405
    assert alice.client.get("/members").status_code == 200
    alice.client.post("/sign-out")
    assert alice.client.get("/members").status_code == 302


def test_it_asks_for_the_current_password(alice):
    form = {"current_password": "not it at all", "new_password": "quiet harbour lamp 47"}
    answer = alice.client.post("/settings/security/password", data=form)
    assert answer.status_code == 422
    assert "not your current password" in answer.text
    assert "quiet harbour" not in answer.text


def test_it_throttles_guessing_and_says_when_to_try_again(throttles, client, alice):
    wrong = {**CREDENTIALS, "password": "not the password"}
    answers = [client.post("/sign-in", data=wrong).status_code for _ in range(10)]
    assert answers == [422] * 10
    refused = client.post("/sign-in", data=CREDENTIALS)
    assert refused.status_code == 429
    assert "Try again in" in refused.text
    assert 0 < int(refused.headers["Retry-After"]) <= 61


def test_it_throttles_one_address_guessed_from_many_places(throttles, app, alice):
    wrong = {**CREDENTIALS, "password": "not the password"}
    for number in range(10):
        app.test_client().post("/sign-in", data=wrong, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"})
    refused = app.test_client().post("/sign-in", data=wrong, environ_base={"REMOTE_ADDR": "192.0.2.99"})
    assert refused.status_code == 429


def test_it_does_not_count_signing_in_well(throttles, app, alice):
    answers = [app.test_client().post("/sign-in", data=CREDENTIALS).status_code for _ in range(12)]
    assert answers == [302] * 12


def test_it_throttles_one_address_in_all_its_spellings(throttles, app, alice):
    spellings = [f"alice@{letter}orthwind.example" for letter in "n\uff4e"] * 5
    for number, email in enumerate(spellings):
        form = {"email": email, "password": "not the password"}
        app.test_client().post("/sign-in", data=form, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"})
    refused = app.test_client().post("/sign-in", data=CREDENTIALS, environ_base={"REMOTE_ADDR": "192.0.2.99"})
    assert refused.status_code == 429
