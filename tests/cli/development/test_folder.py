import base64
import os

import pytest

from mailsetup.cli.development.folder import CannotStart, Folder
from mailsetup.core.crypto import KeyRing


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "var")


def test_it_makes_everything_for_its_owner_alone(folder):
    os.close(folder.prepare())
    folder.make_key_ring()
    folder.secret_key()
    assert {path.stat().st_mode & 0o077 for path in (folder.path, folder.logs, folder.key_ring)} == {0}
    assert (folder.path / "secret-key").stat().st_mode & 0o777 == 0o600


def test_it_makes_keys_once_and_keeps_them(folder):
    os.close(folder.prepare())
    folder.make_key_ring()
    first = (folder.key_ring.read_text(), folder.secret_key())
    folder.make_key_ring()
    assert (folder.key_ring.read_text(), folder.secret_key()) == first
    assert [len(key) for key in KeyRing.parse(first[0]).keys.values() if isinstance(key, bytes)] == [32]
    assert len(base64.urlsafe_b64decode(first[1])) == 48


def test_it_never_makes_a_new_key_over_sealed_data(folder):
    os.close(folder.prepare())
    folder.database.touch()
    with pytest.raises(CannotStart, match="Put the file back"):
        folder.make_key_ring()
    assert not folder.key_ring.exists()


def test_it_refuses_a_second_start_and_says_where_the_first_one_is(folder):
    lock = folder.prepare()
    folder.remember_running("http://localhost:8000")
    with pytest.raises(CannotStart, match=f"already running at http://localhost:8000 .process {os.getpid()}"):
        folder.prepare()
    os.close(lock)
    os.close(folder.prepare())


def test_it_refuses_a_second_start_while_the_first_one_is_not_up_yet(folder):
    lock = folder.prepare()
    with pytest.raises(CannotStart, match="try again in a moment"):
        folder.prepare()
    os.close(lock)
