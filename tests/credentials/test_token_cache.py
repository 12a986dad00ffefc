"""The token cache: sealed, saved by whoever saw the newest, refreshed by one at a time."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.core.errors import UnsealError
from mailsetup.credentials import token_cache
from mailsetup.credentials.models import CredentialToken
from tests.alerts.simultaneous import all_at_once
from tests.factories import make_credential, make_workspace


@pytest.fixture
def credential(settings, session):
    return make_credential(session, make_workspace(session))


def loaded(session, credential):
    found = token_cache.load(session, credential.id, 1)
    assert found is not None
    return found


def test_it_has_nothing_at_first(session, credential):
    assert token_cache.load(session, credential.id, 1) is None


def test_it_gives_back_what_was_saved(session, credential):
    end = utcnow()
    assert token_cache.save(session, credential.id, 1, blob="tokens", revision=None, access_expires_at=end)
    stored = loaded(session, credential)
    assert (stored.blob, stored.revision, stored.access_expires_at) == ("tokens", 1, end)
    assert "tokens" not in repr(stored)


def test_it_saves_only_over_what_the_saver_saw(session, credential):
    token_cache.save(session, credential.id, 1, blob="first", revision=None)
    assert not token_cache.save(session, credential.id, 1, blob="again", revision=None)
    assert token_cache.save(session, credential.id, 1, blob="second", revision=1)
    assert not token_cache.save(session, credential.id, 1, blob="late", revision=1)
    assert loaded(session, credential).blob == "second"


def test_it_keeps_one_of_many_simultaneous_saves(session, credential):
    credential_id, saved = credential.id, []
    token_cache.save(session, credential_id, 1, blob="first", revision=None)
    session.commit()

    def save(number):
        with session_scope() as own:
            saved.append(token_cache.save(own, credential_id, 1, blob=f"blob {number}", revision=1))

    all_at_once(6, save)
    assert sorted(saved) == [False] * 5 + [True]


def test_it_does_not_open_in_another_row(session, credential):
    other = make_credential(session, make_workspace(session, name="Fabrikam"))
    for row in (credential, other):
        token_cache.save(session, row.id, 1, blob="tokens", revision=None)
    sealed = session.scalar(select(CredentialToken.sealed).where(CredentialToken.credential_id == credential.id))
    session.execute(update(CredentialToken).where(CredentialToken.credential_id == other.id).values(sealed=sealed))
    session.commit()
    with pytest.raises(UnsealError):
        token_cache.load(session, other.id, 1)


def test_it_lets_one_refresh_at_a_time(session, credential):
    credential_id, held = credential.id, []
    session.rollback()

    def lock(_number):
        with session_scope() as own:
            held.append(token_cache.try_lock(own, credential_id, 1))

    all_at_once(6, lock)
    assert len([token for token in held if token]) == 1


def test_it_gives_the_right_back_or_lets_it_run_out(session, credential):
    token = token_cache.try_lock(session, credential.id, 1)
    assert token
    assert token_cache.try_lock(session, credential.id, 1) is None
    assert token_cache.unlock(session, credential.id, 1, token)
    assert token_cache.try_lock(session, credential.id, 1, seconds=-1)
    second = token_cache.try_lock(session, credential.id, 1)
    assert second
    assert not token_cache.unlock(session, credential.id, 1, token)
