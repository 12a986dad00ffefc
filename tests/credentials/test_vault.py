"""The vault: what goes in is sealed to its place, versions follow edits, and nothing is lost to a second editor."""

from __future__ import annotations

import secrets
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.core.errors import Conflict, InvalidInput, NotFound, UnsealError
from mailsetup.core.redact import Secret
from mailsetup.credentials import usage, vault
from mailsetup.credentials.models import Credential, CredentialVersion
from mailsetup.credentials.usage import Use
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.models import AuditEvent, Workspace
from tests.alerts.simultaneous import all_at_once
from tests.factories import make_config, make_credential, make_workspace


@pytest.fixture
def workspace(settings, session) -> Workspace:
    return make_workspace(session)


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch):
    monkeypatch.setattr(usage, "_finders", [])
    monkeypatch.setattr(usage, "changed", [])


@pytest.fixture
def password() -> str:
    return secrets.token_urlsafe(16)


@pytest.fixture
def login(session, workspace, password) -> Credential:
    return make_credential(session, workspace, name="Relay", raw={"username": "mailer", "password": password})


def edit(session, credential, **changes):
    entries = {
        "name": credential.name,
        "description": credential.description,
        "raw": {"username": "mailer", "password": ""},
        "expires_on": credential.expires_on,
        "expiry_note": credential.expiry_note,
    }
    changed = vault.update_credential(session, credential, actor=SYSTEM, user_id=None, **{**entries, **changes})
    session.commit()
    return changed


def rows(session, credential):
    wanted = select(CredentialVersion).where(CredentialVersion.credential_id == credential.id)
    return list(session.scalars(wanted.order_by(CredentialVersion.version)))


def test_it_gives_back_what_went_in(session, login, password):
    value = vault.credential_value(session, login)
    assert (value.type, dict(value.public)) == ("smtp_login", {"username": "mailer"})
    assert value.secrets["password"].reveal() == password
    assert value.version_key == f"{login.id}:1"
    assert vault.public_facts(session, login) == {"username": "mailer"}


def test_it_stores_no_secret_in_clear(session, login, password):
    row = rows(session, login)[0]
    stored = f"{row.sealed} {row.public} {row.secret_names} {login.name} {login.description}"
    assert password not in stored
    assert row.sealed.startswith("v1.")
    assert row.secret_names == ["password"]


def test_it_does_not_open_in_another_row_workspace_or_version(session, workspace, login):
    source = rows(session, login)[0].sealed
    other = make_credential(session, workspace)
    foreign = make_credential(session, make_workspace(session, name="Fabrikam"))
    for target in (other, foreign):
        rows(session, target)[0].sealed = source
        session.commit()
        with pytest.raises(UnsealError):
            vault.credential_value(session, target)


def test_it_does_not_open_when_an_old_secret_is_put_back(session, login):
    old = rows(session, login)[0].sealed
    edit(session, login, raw={"username": "mailer", "password": "another-1"})
    rows(session, login)[1].sealed = old
    session.commit()
    with pytest.raises(UnsealError):
        vault.credential_value(session, login)


def test_it_keeps_the_secret_when_it_is_left_blank(session, login, password):
    edit(session, login, name="Renamed", description="For invoices")
    assert (login.name, login.description, login.version, login.revision) == ("Renamed", "For invoices", 1, 2)
    assert vault.credential_value(session, login).secrets["password"].reveal() == password


def test_it_makes_a_new_version_for_a_new_secret(session, login):
    edit(session, login, raw={"username": "mailer", "password": "another-1"})
    assert (login.version, [row.version for row in rows(session, login)]) == (2, [1, 2])
    assert vault.credential_value(session, login).secrets["password"].reveal() == "another-1"


def test_it_forgets_all_but_the_version_before(session, login):
    for number in range(3):
        edit(session, login, raw={"username": "mailer", "password": f"another-{number}"})
    assert [row.version for row in rows(session, login)] == [3, 4]
    with pytest.raises(NotFound):
        vault.credential_value(session, login, 1)


def test_it_changes_nothing_when_nothing_changed(session, login):
    edit(session, login)
    edit(session, login, raw={"username": "mailer", "password": ""})
    assert (login.version, login.revision) == (1, 1)


def test_it_wants_the_secret_again_for_another_user_name(session, login, password):
    with pytest.raises(InvalidInput) as refused:
        edit(session, login, raw={"username": "somebody.else", "password": ""})
    session.rollback()
    assert set(refused.value.fields) == {"password"}
    assert vault.credential_value(session, login).secrets["password"].reveal() == password


def test_it_wants_the_secret_again_for_another_tenant(session, workspace):
    ids = {"cloud": "global", "tenant_id": "contoso.com", "client_id": "1" * 8 + "-1111-1111-1111-" + "1" * 12}
    app = make_credential(session, workspace, type="microsoft_app", raw={**ids, "client_secret": "value~1"})
    with pytest.raises(InvalidInput) as refused:
        edit(session, app, raw={**ids, "tenant_id": "evil.example", "client_secret": ""})
    assert set(refused.value.fields) == {"client_secret"}


def test_it_refuses_an_edit_made_from_an_old_page(session, login):
    edit(session, login, name="Renamed", revision=1)
    with pytest.raises(Conflict, match="Somebody changed"):
        edit(session, login, name="Renamed again", revision=1)
    session.rollback()
    assert login.name == "Renamed"


def test_it_lets_one_of_two_simultaneous_edits_win(session, login):
    login_id, outcomes = login.id, []
    session.rollback()

    def save(number):
        try:
            with session_scope() as own:
                row = own.get_one(Credential, login_id)
                edit_in(own, row, name=f"Name {number}")
        except Conflict:
            outcomes.append("refused")
        else:
            outcomes.append("saved")

    def edit_in(own, row, name):
        raw = {"username": "mailer", "password": ""}
        vault.update_credential(own, row, actor=SYSTEM, user_id=None, name=name, raw=raw, revision=1)

    all_at_once(4, save)
    assert sorted(outcomes) == ["refused"] * 3 + ["saved"]


def test_it_tells_who_follows_of_a_new_version_only(session, login, monkeypatch):
    heard = []
    monkeypatch.setattr(usage, "changed", [lambda _session, credential: heard.append(credential.version)])
    edit(session, login, name="Renamed")
    edit(session, login, raw={"username": "mailer", "password": "another-1"})
    assert heard == [2]


def test_it_audits_field_names_and_never_values(session, login, password):
    edit(session, login, raw={"username": "boss", "password": "another-1"}, description="Words of Dana")
    events = session.scalars(select(AuditEvent).where(AuditEvent.subject_id == str(login.id)))
    found = {event.action: event.detail["fields"] for event in events}
    assert found["credential:change"] == ["description", "password", "username"]
    assert found["credential:create"] == ["name", "type", "username", "password"]
    assert not any(value in str(found) for value in (password, "another-1", "boss", "Dana"))


@pytest.mark.parametrize("name", ["Relay", "  relay ", "RELAY"])
def test_it_refuses_a_name_that_is_taken(session, workspace, login, name):
    with pytest.raises(InvalidInput) as refused:
        make_credential(session, workspace, name=name)
    assert set(refused.value.fields) == {"name"}


def test_it_lets_another_workspace_have_the_same_name(session, login):
    assert make_credential(session, make_workspace(session, name="Fabrikam"), name="Relay").name == "Relay"


def test_it_makes_one_when_two_ask_for_the_same_name_at_once(session, workspace):
    workspace_id, outcomes = workspace.id, []
    session.rollback()

    def create(_number):
        try:
            with session_scope() as own:
                make_credential(own, own.get_one(Workspace, workspace_id), name="Twin")
        except InvalidInput as error:
            outcomes.append(" ".join(error.fields))
        else:
            outcomes.append("made")

    all_at_once(4, create)
    assert sorted(outcomes) == ["made"] + ["name"] * 3


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "   "),
        ("name", "x" * 121),
        ("name", "Two\r\nlines"),
        ("name", "=?utf-8?q?a=0d=0ab?="),
        ("description", "x" * 2001),
        ("description", "bell\x07"),
        ("expiry_note", "x" * 401),
        ("expiry_note", "two\nlines"),
        ("expires_on", date(2020, 1, 1)),
        ("expires_on", date(2999, 1, 1)),
    ],
)
def test_it_names_the_field_that_is_wrong_and_makes_nothing(session, workspace, field, value):
    entries = {"name": "Fine", "raw": {"username": "u", "password": "p-1"}, field: value}
    with pytest.raises(InvalidInput) as refused:
        vault.create_credential(
            session, workspace_id=workspace.id, actor=SYSTEM, user_id=None, type="smtp_login", **entries
        )
    assert set(refused.value.fields) == {field}
    assert session.scalar(select(func.count()).select_from(Credential)) == 0


def test_it_names_every_wrong_field_at_once(session, workspace):
    with pytest.raises(InvalidInput) as refused:
        make_credential(session, workspace, name=" ", raw={"username": "", "password": ""}, expires_on=date(2020, 1, 1))
    assert set(refused.value.fields) == {"name", "username", "password", "expires_on"}


def test_it_keeps_a_past_date_until_the_secret_is_new(session, login):
    yesterday = utcnow().date() - timedelta(days=1)
    login.expires_on = yesterday
    session.commit()
    edit(session, login, name="Renamed", expires_on=yesterday)
    with pytest.raises(InvalidInput) as refused:
        edit(session, login, raw={"username": "mailer", "password": "another-1"}, expires_on=yesterday)
    assert set(refused.value.fields) == {"expires_on"}


def test_it_does_not_delete_what_is_in_use(session, login, monkeypatch):
    uses = {login.id: [Use("Invoices", "/outbound/1"), Use("Reminders", "/outbound/2")]}
    usage.register(lambda _session, _workspace_id: uses)
    with pytest.raises(vault.CredentialInUse, match="“Invoices”, “Reminders”"):
        vault.delete_credential(session, login, actor=SYSTEM)
    assert session.get(Credential, login.id) is not None


def test_it_does_not_delete_what_a_setup_took_meanwhile(session, workspace, login):
    make_config(session, workspace, credential=login)
    with pytest.raises(Conflict):
        vault.delete_credential(session, login, actor=SYSTEM)
    session.rollback()
    assert session.get(Credential, login.id) is not None


def test_it_deletes_every_version(session, login):
    edit(session, login, raw={"username": "mailer", "password": "another-1"})
    vault.delete_credential(session, login, actor=SYSTEM)
    session.commit()
    assert session.scalar(select(func.count()).select_from(CredentialVersion)) == 0


def test_it_refuses_to_make_a_sign_in_from_a_form(session, workspace):
    with pytest.raises(InvalidInput, match="signing in"):
        make_credential(session, workspace, type="microsoft_grant", raw={"app": "platform"})


def test_it_knows_no_other_type(session, workspace):
    with pytest.raises(NotFound):
        make_credential(session, workspace, type="carrier_pigeon")


def test_it_lists_by_name_and_type(session, workspace, login):
    make_credential(session, workspace, name="alpha")
    make_credential(session, make_workspace(session, name="Fabrikam"), name="Foreign")
    assert [row.name for row in vault.list_credentials(session, workspace.id)] == ["alpha", "Relay"]
    assert vault.list_credentials(session, workspace.id, types=("microsoft_app",)) == []


def test_it_reveals_a_secret_to_nobody_who_prints(session, login, password):
    value = vault.credential_value(session, login)
    assert password not in f"{value!r} {value} {Secret(password)!r}"
