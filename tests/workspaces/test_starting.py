"""What keeps a process from starting: a master key that is missing, or another one under its name."""

import base64
import dataclasses
import secrets

import pytest

from mailsetup import settings as settings_module
from mailsetup.core import db
from mailsetup.core.crypto import KeyRing, new_key
from mailsetup.core.errors import SettingsError
from mailsetup.workspaces.models import WorkspaceKey
from mailsetup.workspaces.starting import refuse_unsafe_start
from tests import factories


@pytest.fixture
def start(settings, app):
    """A process that begins with this ring."""

    def begin(ring):
        settings_module.start(dataclasses.replace(settings, key_ring=ring))
        refuse_unsafe_start(db.engine())

    return begin


def test_it_starts_with_every_key_there(start, settings, alice):
    start(KeyRing({"next": new_key(), **settings.key_ring.keys}))


def test_it_does_not_start_without_a_key_that_sealed_something(start, alice):
    with pytest.raises(SettingsError, match="master key test sealed secrets"):
        start(KeyRing({"next": new_key()}))


def test_it_does_not_start_with_another_key_under_the_same_name(start, alice):
    with pytest.raises(SettingsError, match="test of the ring does not open what it sealed"):
        start(KeyRing({"test": new_key()}))


def test_it_does_not_start_without_the_second_half(start, tmp_path):
    half = base64.b64encode(secrets.token_bytes(32)).decode()
    with pytest.raises(SettingsError, match="primary master key two does not seal"):
        start(KeyRing.parse(f"two:{half}@{tmp_path / 'gone'}"))


def test_it_starts_when_one_row_was_changed(start, settings, session, alice):
    factories.make_workspace(session)
    session.get_one(WorkspaceKey, alice.workspace.id).wrapped = "v1.test.AAAA.AAAA"
    session.commit()
    start(settings.key_ring)
