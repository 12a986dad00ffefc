"""Tokens of saved setups: kept, renewed ahead of their end, by one worker at a time."""

import json
import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.core.redact import Secret
from mailsetup.credentials import token_cache
from mailsetup.credentials.models import Credential
from mailsetup.mail_services.base import Token
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound.tokens import StoredTokens, TokenMemory


class Microsoft:
    """Gives each access token for a refresh token that it takes once only, as a rotating grant does."""

    def __init__(self, lifetime=timedelta(hours=1)) -> None:
        self.lifetime = lifetime
        self.good_refresh_token = 0
        self.asked = 0
        self.trouble: TransportError | None = None
        self.lock = threading.Lock()

    def fetch_token(self, cache, *, fresh=False) -> Token:
        known = json.loads(cache.blob or '{"refresh": 0, "access": null}')
        if known["access"] and not fresh and datetime.fromisoformat(known["until"]) - utcnow() > timedelta(minutes=5):
            return Token(Secret(known["access"]), datetime.fromisoformat(known["until"]))
        with self.lock:
            self.asked += 1
            if self.trouble:
                raise self.trouble
            if known["refresh"] != self.good_refresh_token:
                raise revoked()
            self.good_refresh_token += 1
            until = utcnow() + self.lifetime
            known = {"refresh": self.good_refresh_token, "access": f"a{self.asked}", "until": until.isoformat()}
        cache.blob, cache.changed = json.dumps(known), True
        return Token(Secret(known["access"]), until)


def revoked() -> TransportError:
    return TransportError("", channel="entra_token", stage="token", code="invalid_grant", permanent=True)


def away() -> TransportError:
    return TransportError("", channel="entra_token", stage="token", code="server_error", http_status=503)


@pytest.fixture
def microsoft():
    return Microsoft()


@pytest.fixture
def source(workspace, credential):
    """Makes the token source of one more worker process."""

    def make(*, fresh=False, memory=None) -> StoredTokens:
        tokens = StoredTokens(workspace.id, credential, kind="graph_delegated", fresh=fresh)
        tokens.memory = memory or TokenMemory()
        return tokens

    return make


def test_it_asks_microsoft_once_for_many_mails(source, microsoft):
    tokens = source()
    assert {tokens.token_for(microsoft).value.reveal() for _ in range(5)} == {"a1"}
    assert microsoft.asked == 1


def test_it_shares_a_token_between_processes_through_the_sealed_cache(source, microsoft, session):
    source().token_for(microsoft)
    assert source().token_for(microsoft).value.reveal() == "a1"
    assert microsoft.asked == 1


def test_it_renews_a_token_five_minutes_before_its_end(source, microsoft):
    microsoft.lifetime = timedelta(minutes=4, seconds=59)
    tokens = source()
    assert [tokens.token_for(microsoft).value.reveal() for _ in range(2)] == ["a1", "a2"]


def test_it_keeps_the_rotated_refresh_token(source, microsoft, credential):
    source(fresh=True).token_for(microsoft)
    source(fresh=True).token_for(microsoft)
    with session_scope() as session:
        stored = token_cache.load(session, credential.id, credential.version)
    assert stored is not None
    assert json.loads(stored.blob)["refresh"] == microsoft.good_refresh_token == 2


def test_it_uses_no_token_of_before_in_a_test(source, microsoft):
    memory = TokenMemory()
    source(memory=memory).token_for(microsoft)
    assert source(fresh=True, memory=memory).token_for(microsoft).value.reveal() == "a2"


def test_it_lets_one_of_many_workers_renew_and_the_others_use_what_it_got(source, microsoft, session):
    session.commit()
    barrier, found, failed = threading.Barrier(8), [], []

    def work(tokens: StoredTokens) -> None:
        barrier.wait()
        try:
            found.append(tokens.token_for(microsoft).value.reveal())
        except TransportError as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(source(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failed, set(found), microsoft.asked) == ([], {"a1"}, 1)


def test_it_tries_again_when_somebody_stored_a_newer_grant_meanwhile(source, microsoft, credential, monkeypatch):
    microsoft.good_refresh_token = 7
    tokens = source()

    def reconnected(*_args, **_kwargs):
        monkeypatch.setattr(microsoft, "fetch_token", Microsoft.fetch_token.__get__(microsoft))
        with session_scope() as session:
            blob = json.dumps({"refresh": 7, "access": None})
            stored = token_cache.load(session, credential.id, credential.version)
            revision = stored.revision if stored else None
            token_cache.save(session, credential.id, credential.version, blob=blob, revision=revision)
        raise revoked()

    monkeypatch.setattr(microsoft, "fetch_token", reconnected)
    assert tokens.token_for(microsoft).value.reveal() == "a1"


def test_it_believes_a_revocation_when_nothing_newer_is_stored(source, microsoft):
    microsoft.good_refresh_token = 7
    with pytest.raises(TransportError) as caught:
        source().token_for(microsoft)
    assert (caught.value.code, microsoft.asked) == ("invalid_grant", 1)


def test_it_goes_on_with_a_good_token_while_microsoft_is_away(source, microsoft):
    microsoft.lifetime = timedelta(minutes=3)
    tokens = source()
    tokens.token_for(microsoft)
    microsoft.trouble = away()
    assert tokens.token_for(microsoft).value.reveal() == "a1"


def test_it_gets_another_token_once_after_the_service_refused_one(source, microsoft):
    tokens = source()
    tokens.forget(tokens.token_for(microsoft))
    assert [tokens.token_for(microsoft).value.reveal() for _ in range(2)] == ["a2", "a2"]


def test_it_gives_the_lock_back_after_a_failure(source, microsoft):
    microsoft.trouble = away()
    with pytest.raises(TransportError):
        source().token_for(microsoft)
    microsoft.trouble = None
    assert source().token_for(microsoft).value.reveal() == "a2"


def test_it_hands_on_what_the_service_demands_of_the_next_token_once(source, microsoft, monkeypatch):
    demanded, fetch = [], microsoft.fetch_token

    def listen(cache, *, fresh):
        demanded.append(cache.claims)
        return fetch(cache, fresh=fresh)

    monkeypatch.setattr(microsoft, "fetch_token", listen)
    tokens = source()
    tokens.forget(tokens.token_for(microsoft), claims='{"nbf": 1}')
    tokens.forget(tokens.token_for(microsoft))
    tokens.token_for(microsoft)
    assert demanded == ["", '{"nbf": 1}', ""]


def test_it_does_not_believe_a_revocation_when_the_credential_was_renewed(source, microsoft, session, credential):
    tokens = source()
    session.execute(update(Credential).where(Credential.id == credential.id).values(version=2))
    session.commit()
    microsoft.good_refresh_token = 7
    with pytest.raises(TransportError) as caught:
        tokens.token_for(microsoft)
    assert (caught.value.code, caught.value.permanent) == ("credential_renewed", False)


def test_it_keeps_what_microsoft_demands_of_the_next_sign_in(source, microsoft, session, credential):
    microsoft.trouble = revoked()
    microsoft.trouble.claims = '{"access_token": {"capolids": 1}}'
    with pytest.raises(TransportError):
        source().token_for(microsoft)
    assert token_cache.claims_of(session, credential.id) == microsoft.trouble.claims
