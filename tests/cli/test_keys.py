"""The master keys from beginning to end: added, moved to the front, used for everything, taken away."""

import base64
import dataclasses
import secrets

import pytest
from click.testing import CliRunner

from mailsetup import settings as settings_module
from mailsetup.cli import keys as key_commands
from mailsetup.core.crypto import KeyRing
from mailsetup.core.errors import UnsealError
from mailsetup.workspaces import audit_chain, sealing, second_factor
from mailsetup.workspaces.models import WorkspaceKey


@pytest.fixture
def ring_file(tmp_path, app, settings):
    path = tmp_path / "keys"
    path.touch(0o600)
    path.write_text(f"test:{base64.b64encode(settings.key_ring.keys['test']).decode()}\n")
    restart(settings, path)
    return path


def restart(settings, path):
    """Every process reads the ring anew."""
    ring = KeyRing.parse(path.read_text())
    settings_module.start(dataclasses.replace(settings, key_ring=ring, key_ring_file=str(path)))
    sealing._cache.clear()


def run(*arguments, code=0):
    result = CliRunner().invoke(key_commands.keys, arguments)
    assert result.exit_code == code, result.output
    return result.output


def test_it_replaces_a_master_key_without_a_pause(ring_file, settings, session, alice, charlie):
    before = [sealing.data_key(session, person.workspace.id) for person in (alice, charlie)]
    second_factor.begin(session, alice.user)
    session.commit()
    for command in (("add", "next"), ("promote", "next")):
        run(*command)
        restart(settings, ring_file)
    assert "still seals 5 keys" in run("retire", "test", code=1)
    assert "5 keys are now sealed by next" in run("rewrap")
    run("retire", "test")
    restart(settings, ring_file)
    session.rollback()
    session.expire_all()
    assert second_factor.offered(session, alice.user)
    assert [sealing.data_key(session, person.workspace.id) for person in (alice, charlie)] == before
    assert audit_chain.verify(session, alice.workspace.id).fault == ""
    assert list(KeyRing.parse(ring_file.read_text()).keys) == ["next"]
    assert ring_file.stat().st_mode & 0o077 == 0


def test_it_goes_on_where_a_stopped_rewrap_was(ring_file, settings, alice, charlie, monkeypatch):
    run("add", "next")
    run("promote", "next")
    restart(settings, ring_file)
    monkeypatch.setattr(key_commands, "BATCH", 1)
    assert key_commands.Rewrapping().step()
    output = run("rewrap", "--resume")
    assert "1 keys were done before" in output
    assert "3 keys are now sealed by next" in output


def test_it_refuses_and_reports_keys_swapped_between_workspaces(ring_file, settings, session, alice, charlie):
    ids = alice.workspace.id, charlie.workspace.id
    first, second = (session.get_one(WorkspaceKey, one) for one in ids)
    first.wrapped, second.wrapped = second.wrapped, first.wrapped
    session.commit()
    with pytest.raises(UnsealError):
        sealing.data_key(session, ids[0])
    run("add", "next")
    run("promote", "next")
    restart(settings, ring_file)
    output = run("rewrap", code=1)
    assert all(str(one) in output for one in ids)


def test_it_keeps_the_primary_key(ring_file):
    assert "is the primary key" in run("retire", "test", code=1)
    assert "has no key named other" in run("promote", "other", code=1)
    assert "a key named test already" in run("add", "test", code=1)


def test_it_edits_no_ring_in_the_environment(settings):
    assert "which a command cannot edit" in run("add", "next", code=1)


def test_it_opens_nothing_with_half_a_key(tmp_path):
    other = tmp_path / "second-half"
    other.write_bytes(secrets.token_bytes(32).hex().encode())
    half = base64.b64encode(secrets.token_bytes(32)).decode()
    ring = KeyRing.parse(f"two:{half}@{other}")
    wrapped = ring.wrap(b"data key", workspace_id="w")
    assert ring.unwrap(wrapped, workspace_id="w") == b"data key"
    with pytest.raises(UnsealError):
        KeyRing.parse(f"two:{half}").unwrap(wrapped, workspace_id="w")
    other.unlink()
    with pytest.raises(UnsealError, match="second half"):
        ring.unwrap(wrapped, workspace_id="w")
