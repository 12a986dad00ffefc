"""The second factor: set up, asked for, used once, guessed, lost, and wanted by a workspace."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyotp
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from mailsetup.core.clock import utcnow
from mailsetup.core.redact import Secret
from mailsetup.workspaces import second_factor, sessions
from mailsetup.workspaces.models import AuditEvent, RecoveryCode, SecondFactor, UserSession
from tests import people
from tests.factories import PASSWORD, make_member

CREDENTIALS = {"email": "alice@northwind.example", "password": PASSWORD}
PAGE = "/settings/security/second-factor"


@pytest.fixture
def settings_changes(operator_server):
    return {"operator_smtp_url": Secret(f"smtp://127.0.0.1:{operator_server[1]}?tls=none")}


@dataclass
class App:
    """An authenticator app, and the clock of the server; `codes` are the recovery codes."""

    now: datetime = field(default_factory=utcnow)
    key: str = ""
    codes: list[str] = field(default_factory=list)

    def code(self, *, drift: int = 0) -> str:
        return pyotp.TOTP(self.key).at(self.now + timedelta(seconds=30 * drift))

    def next(self) -> str:
        """The code of the next time step."""
        self.now += timedelta(seconds=30)
        return self.code()


@pytest.fixture
def phone(monkeypatch) -> App:
    app = App()
    monkeypatch.setattr(second_factor, "utcnow", lambda: app.now)
    return app


def turn_on(person: people.Person, phone: App) -> None:
    person.client.post(f"{PAGE}/begin")
    phone.key = re.sub(r"\s", "", re.findall(r'<code class="copy-value">([A-Z2-7 ]+)</code>', _page(person))[0])
    shown = person.client.post(f"{PAGE}/confirm", data={"code": phone.code()})
    phone.codes = re.findall(r"<li><code>([a-z0-9-]{27})</code>", shown.text)


def _page(person: people.Person) -> str:
    return str(person.client.get(PAGE).text)


def enter(client: FlaskClient, code: str, **more: str) -> str:
    """Signs in as Alice with a code, and says where that leads."""
    asked = client.post("/sign-in", data={**CREDENTIALS, **more})
    assert asked.location.startswith("/sign-in/code"), asked.text
    assert client.get("/members").status_code == 302
    return str(client.post("/sign-in/code", data={"code": code, **more}).location)


def test_it_is_on_only_after_a_right_code_and_shows_ten_recovery_codes_once(alice, phone, session):
    alice.client.post(f"{PAGE}/begin")
    assert "data:image/svg+xml" in _page(alice)
    assert alice.client.post(f"{PAGE}/confirm", data={"code": "000000"}).status_code == 422
    assert not second_factor.is_on(session, alice.user.id)
    turn_on(alice, phone)
    assert second_factor.is_on(session, alice.user.id)
    assert len(set(phone.codes)) == 10
    assert phone.codes[0] not in _page(alice)
    stored = session.scalars(select(SecondFactor.wrapped)).one() + "".join(
        session.scalars(select(RecoveryCode.code_hash))
    )
    assert phone.key not in stored
    assert not [code for code in phone.codes if code.replace("-", "") in stored]


def test_it_signs_out_other_browsers_when_it_is_turned_on_or_off(app, alice, phone):
    for deed in (lambda: turn_on(alice, phone), lambda: alice.client.post(f"{PAGE}/off")):
        elsewhere = people.signed_in_client(app, alice.user, alice.workspace)
        deed()
        assert elsewhere.get("/members").status_code == 302
        assert alice.client.get("/members").status_code == 200


def test_it_asks_for_the_code_after_the_password(client, alice, phone, session):
    turn_on(alice, phone)
    assert enter(client, phone.next(), next="/audit") == "/audit"
    assert client.get("/members").status_code == 200
    last = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert (last.action, last.detail) == ("user:sign-in", {"second_factor": "app"})


def test_it_takes_no_code_twice_not_even_at_the_same_moment(client, app, alice, phone):
    turn_on(alice, phone)
    assert client.post("/sign-in", data=CREDENTIALS).status_code == 302
    assert client.post("/sign-in/code", data={"code": phone.code()}).status_code == 422  # it confirmed the set-up
    code = phone.next()
    assert client.post("/sign-in/code", data={"code": code}).status_code == 302
    other = app.test_client()
    other.post("/sign-in", data=CREDENTIALS)
    assert other.post("/sign-in/code", data={"code": code}).status_code == 422
    assert other.post("/sign-in/code", data={"code": phone.code(drift=-1)}).status_code == 422


@pytest.mark.parametrize(("drift", "status"), [(-2, 422), (-1, 302), (1, 302), (2, 422)])
def test_it_bears_a_clock_that_is_off_by_one_step(client, alice, phone, drift, status):
    turn_on(alice, phone)
    phone.now += timedelta(minutes=5)
    client.post("/sign-in", data=CREDENTIALS)
    assert client.post("/sign-in/code", data={"code": phone.code(drift=drift)}).status_code == status


def test_it_ends_the_try_after_five_wrong_codes_and_writes_to_the_person(client, alice, phone, letters_sent, session):
    turn_on(alice, phone)
    letters_sent()
    client.post("/sign-in", data=CREDENTIALS)
    answers = [client.post("/sign-in/code", data={"code": "12 34 56x"}) for _ in range(5)]
    assert "wrong too often" in answers[-1].text
    assert client.post("/sign-in/code", data={"code": phone.next()}).location == "/sign-in"
    assert client.get("/members").status_code == 302
    assert letters_sent()[0]["Subject"] == "Somebody knows your password"
    assert "user:wrong-codes" in session.scalars(select(AuditEvent.action)).all()


def test_it_throttles_codes_by_person(throttles, app, alice, phone):
    turn_on(alice, phone)
    answers = []
    for _ in range(3):
        browser = app.test_client()
        browser.post("/sign-in", data=CREDENTIALS)
        answers += [browser.post("/sign-in/code", data={"code": "000000"}).status_code for _ in range(4)]
    assert answers == [422] * 10 + [429] * 2


def test_it_waits_ten_minutes_for_the_code_and_not_after_a_new_password(client, alice, phone, session):
    turn_on(alice, phone)
    for spoil in (
        lambda: session.execute(update(UserSession).values(expires_at=utcnow() - timedelta(seconds=1))),
        lambda: sessions.end_all(session, alice.user.id),
    ):
        client.post("/sign-in", data=CREDENTIALS)
        spoil()
        assert client.post("/sign-in/code", data={"code": phone.next()}).location == "/sign-in"


def test_it_takes_a_recovery_code_once_tells_and_writes_it_down(client, app, alice, phone, letters_sent, session):
    turn_on(alice, phone)
    letters_sent()
    assert enter(client, phone.codes[3].upper().replace("-", " ")) == "/"
    assert letters_sent()[0]["Subject"] == "A recovery code was used to sign in"
    assert "user:use-recovery-code" in session.scalars(select(AuditEvent.action)).all()
    again = app.test_client()
    again.post("/sign-in", data=CREDENTIALS)
    assert again.post("/sign-in/code", data={"code": phone.codes[3]}).status_code == 422


def test_it_makes_new_recovery_codes_in_place_of_the_old(client, alice, phone):
    turn_on(alice, phone)
    alice.client.post(f"{PAGE}/codes")
    client.post("/sign-in", data=CREDENTIALS)
    assert client.post("/sign-in/code", data={"code": phone.codes[0]}).status_code == 422


def test_it_wants_the_code_too_before_secrets_change(alice, phone, session):
    turn_on(alice, phone)
    session.execute(update(UserSession).values(proved_at=utcnow() - sessions.PROOF_LASTS))
    form = {"password": PASSWORD, "next": "/api-keys/new"}
    assert alice.client.post("/sign-in/again", data=form).status_code == 422
    code = phone.next()
    assert alice.client.post("/sign-in/again", data={**form, "password": "wrong", "code": code}).status_code == 422
    assert alice.client.get("/api-keys/new").status_code == 302
    assert alice.client.post("/sign-in/again", data={**form, "code": code}).location == "/api-keys/new"


@pytest.mark.parametrize("deed", ["begin", "confirm", "codes", "off"])
def test_it_changes_nothing_without_a_fresh_login(alice, phone, session, deed):
    turn_on(alice, phone)
    session.execute(update(UserSession).values(proved_at=utcnow() - sessions.PROOF_LASTS))
    assert alice.client.post(f"{PAGE}/{deed}").location.startswith("/sign-in/again")
    assert second_factor.is_on(session, alice.user.id)


def test_it_is_turned_off_with_a_mail_to_the_person(client, alice, phone, letters_sent, session):
    turn_on(alice, phone)
    alice.client.post(f"{PAGE}/off")
    assert letters_sent()[0]["Subject"] == "Your second factor is off"
    assert client.post("/sign-in", data=CREDENTIALS).location == "/"
    assert session.scalars(select(RecoveryCode)).all() == []


def require(owner: people.Person, phone: App) -> None:
    turn_on(owner, phone)
    owner.client.post("/settings/workspace/second-factor", data={"required": "true"})


def test_it_lets_an_owner_ask_everybody_only_with_one_of_their_own(alice, bob, phone, session):
    assert "Set up your own first" in alice.client.get("/settings").text
    refused = alice.client.post("/settings/workspace/second-factor", data={"required": "true"})
    assert refused.location == PAGE
    require(alice, phone)
    assert alice.workspace.second_factor_required
    assert "1 of 2 people" in alice.client.get("/settings").text
    assert "workspace:require-second-factor" in session.scalars(select(AuditEvent.action)).all()
    alice.client.post("/settings/workspace/second-factor", data={"required": ""})
    assert bob.client.get("/members").status_code == 200


def test_it_holds_members_without_one_back_until_they_have_it(alice, ada, phone, session):
    require(alice, phone)
    for method, path in (
        ("GET", "/"),
        ("GET", "/messages"),
        ("POST", "/settings/workspace"),
        ("POST", "/members/leave"),
    ):
        assert ada.client.open(path, method=method).location == PAGE, path
    assert ada.client.get("/members", headers={"HX-Request": "true"}).headers["HX-Redirect"] == PAGE
    page = ada.client.get("/settings").text
    assert "Save workspace" not in page
    turn_on(ada, App(phone.now))
    assert ada.client.get("/members").status_code == 200


def test_it_holds_nobody_back_elsewhere(alice, bob, charlie, phone, session):
    require(alice, phone)
    make_member(session, charlie.workspace, bob.user)
    bob.client.post("/workspaces/switch", data={"workspace": str(charlie.workspace.id)})
    assert bob.client.get("/members").status_code == 200
    bob.client.post("/workspaces/switch", data={"workspace": str(alice.workspace.id)})
    assert bob.client.get("/members").location == PAGE


def test_it_is_taken_away_by_the_operator_when_all_is_lost(app, client, alice, phone, letters_sent, session):
    turn_on(alice, phone)
    letters_sent()
    said = app.test_cli_runner().invoke(args=["user", "reset-second-factor", "alice@northwind.example"])
    assert "is off" in said.output
    assert "Whoever runs mailsetup turned" in letters_sent()[0].get_content()
    assert alice.client.get("/members").status_code == 302
    assert client.post("/sign-in", data=CREDENTIALS).location == "/"


def test_it_takes_a_new_password_for_no_fresh_login(alice, phone, session):
    turn_on(alice, phone)
    session.execute(update(UserSession).values(proved_at=utcnow() - sessions.PROOF_LASTS))
    words = {"current_password": PASSWORD, "new_password": "quiet harbour lamp 47"}
    assert alice.client.post("/settings/security/password", data=words).status_code == 302
    assert alice.client.post(f"{PAGE}/off").location.startswith("/sign-in/again")


def test_it_ends_the_try_once_however_many_codes_come_at_the_same_moment(client, alice, phone, session):
    turn_on(alice, phone)
    client.post("/sign-in", data=CREDENTIALS)
    row = session.scalars(select(UserSession).where(UserSession.pending)).one()
    sessions.end(session, row.user_id, row.id)
    assert not sessions.note_wrong_code(session, row)
