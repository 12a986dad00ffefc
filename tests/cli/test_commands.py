"""What the operator types: workspaces, the demo person, the keys."""

import base64
import dataclasses
import re
import secrets
import stat

import pytest
from sqlalchemy import select

from mailsetup import settings as settings_module
from mailsetup.cli.demo import EMAIL
from mailsetup.core.crypto import KeyRing
from mailsetup.workspaces import members, sealing
from mailsetup.workspaces.memberships import memberships
from mailsetup.workspaces.models import AuditEvent, User, Workspace
from mailsetup.workspaces.sign_in import authenticate, find_user
from tests.factories import PASSWORD


@pytest.fixture
def typed(app, session):
    """Runs a command as the operator types it."""

    def run(*arguments, **environment):
        session.commit()
        result = app.test_cli_runner().invoke(args=list(arguments), env=environment)
        session.expire_all()
        return result

    return run


def test_it_makes_a_workspace_whose_owner_comes_in_by_a_link(typed, client, session):
    result = typed("workspace", "create", "Contoso", "--admin", "Dora@contoso.example")
    path = re.findall(r"http://localhost(/invitations/\S+)", result.output)[0]
    answer = client.post(path, data={"name": "Dora", "email": "dora@contoso.example", "password": PASSWORD})
    assert answer.status_code == 302
    workspace = session.scalars(select(Workspace)).one()
    assert [(row.user.email, row.role) for row in members.list_members(session, workspace.id)] == [
        ("dora@contoso.example", "owner")
    ]
    assert "on the server" in session.scalars(select(AuditEvent)).first().actor_label


@pytest.mark.parametrize("arguments", [("Contoso", "--admin", "nobody"), (" ", "--admin", "dora@contoso.example")])
def test_it_makes_nothing_out_of_wrong_values(typed, session, arguments):
    result = typed("workspace", "create", *arguments)
    assert result.exit_code == 1
    assert "Error:" in result.output
    assert session.scalars(select(Workspace)).all() == []


def test_it_makes_a_demo_person_once(typed, session, tmp_path):
    file = tmp_path / "var" / "demo"
    first, second = (typed("demo", MAILSETUP_DEMO_FILE=str(file)) for _ in range(2))
    assert first.exit_code == 0
    assert first.output == second.output
    password = file.read_text().strip()
    assert EMAIL in first.output
    assert password in first.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    user = authenticate(session, email=EMAIL, password=password)
    assert user is not None
    assert [row.workspace.name for row in memberships(session, user.id)] == ["Demo workspace"]


def test_it_gives_the_demo_person_the_password_in_the_file(typed, session, tmp_path):
    file = tmp_path / "demo"
    typed("demo", "--file", str(file))
    file.unlink()
    typed("demo", "--file", str(file))
    assert authenticate(session, email=EMAIL, password=file.read_text().strip())
    assert len(session.scalars(select(User)).all()) == 1


def test_it_makes_no_demo_person_in_production(typed, session, settings, tmp_path):
    settings_module.start(dataclasses.replace(settings, env="production"))
    result = typed("demo", "--file", str(tmp_path / "demo"))
    assert result.exit_code == 1
    assert "this is production" in result.output
    assert find_user(session, EMAIL) is None
    assert not (tmp_path / "demo").exists()


def test_it_counts_what_each_master_key_seals(typed, alice, charlie, settings):
    assert typed("keys", "status").output == "test: 4 keys (primary: seals new workspaces)\n"
    newer = f"newer:{base64.b64encode(secrets.token_bytes(32)).decode()}"
    settings_module.start(dataclasses.replace(settings, key_ring=KeyRing.parse(newer)))
    result = typed("keys", "status")
    assert result.exit_code == 1
    assert "newer: 0 keys" in result.output
    assert "test: 4 keys, but it is NOT in the ring" in result.output


def test_it_seals_every_workspace_key_anew(typed, alice, charlie, settings, session):
    newer = f"newer:{base64.b64encode(secrets.token_bytes(32)).decode()}"
    ring = KeyRing({**KeyRing.parse(newer).keys, **settings.key_ring.keys})
    settings_module.start(dataclasses.replace(settings, key_ring=ring))
    before = sealing.data_key(session, alice.workspace.id)
    assert "4 keys are now sealed by newer" in typed("keys", "rewrap").output
    assert "0 keys are now" in typed("keys", "rewrap").output
    settings_module.start(dataclasses.replace(settings, key_ring=KeyRing.parse(newer)))
    assert typed("keys", "status").output == "newer: 4 keys (primary: seals new workspaces)\n"
    sealing._cache.clear()
    assert sealing.data_key(session, alice.workspace.id) == before


def test_it_gives_a_person_a_new_password(typed, alice, session):
    result = typed("user", "reset-password", "Alice@northwind.example")
    password = result.output.split()[6]
    assert authenticate(session, email="alice@northwind.example", password=password)
    assert alice.client.get("/members").status_code == 302
    assert "no account" in typed("user", "reset-password", "nobody@northwind.example").output
