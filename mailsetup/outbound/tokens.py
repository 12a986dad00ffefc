"""Access tokens: kept in this process, renewed ahead of their end, by one worker at a time."""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from datetime import datetime, timedelta

import structlog

from mailsetup.core import tallies
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.credentials import token_cache
from mailsetup.credentials.models import Credential
from mailsetup.mail_services.base import MailService, Token, TokenCache
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound.explain import OWN_CHANNEL

RENEW_AHEAD = timedelta(minutes=5)
USABLE = timedelta(seconds=30)
LOCK_WAIT_SECONDS = 20.0
LOCK_POLL_SECONDS = 0.05
REMEMBERED = 10_000
REFRESHES = "token_refreshes"

Key = tuple[uuid.UUID, int, str]
log = structlog.get_logger()


class _Place:
    """One token in memory, and the lock of the thread that renews it."""

    def __init__(self) -> None:
        self.token: Token | None = None
        self.lock = threading.Lock()


class TokenMemory:
    """The places of this process, the least used ones forgotten."""

    def __init__(self) -> None:
        self._places: OrderedDict[Key, _Place] = OrderedDict()
        self._lock = threading.Lock()

    def place(self, key: Key) -> _Place:
        """The place of one token, made when it is new."""
        with self._lock:
            place = self._places.setdefault(key, _Place())
            self._places.move_to_end(key)
            if len(self._places) > REMEMBERED:
                self._places.popitem(last=False)
            return place

    def clear(self) -> None:
        """Forgets every token."""
        with self._lock:
            self._places.clear()


_memory = TokenMemory()


class StoredTokens:
    """The token source of saved setups: the sealed cache in the database is shared by all workers.

    `fresh` reuses no access token, as a test wants it; what Microsoft gives is stored all the same,
    since a rotated refresh token must not be lost.
    """

    def __init__(
        self, workspace_id: uuid.UUID, credential: Credential | None, *, kind: str, fresh: bool = False
    ) -> None:
        self.workspace_id = workspace_id
        self.credential_id = credential.id if credential else uuid.UUID(int=0)
        self.version = credential.version if credential else 0
        self.key: Key = (self.credential_id, self.version, kind)
        self.fresh = fresh
        self.claims = ""
        self.memory = _memory

    def token_for(self, service: MailService) -> Token:
        """A token with time left. Raises TransportError at stage `token`."""
        place = self.memory.place(self.key)
        if not self.fresh and place.token and _lasts(place.token, RENEW_AHEAD):
            return place.token
        with place.lock:
            if self.fresh or not (place.token and _lasts(place.token, RENEW_AHEAD)):
                place.token = self._renewed(service, place.token)
            return place.token

    def forget(self, token: Token, *, claims: str = "") -> None:
        """Drops a token that the service refused; the next call gets another one, which fulfils `claims`."""
        place = self.memory.place(self.key)
        with place.lock:
            if place.token is token:
                place.token = None
        self.fresh, self.claims = True, claims

    def _renewed(self, service: MailService, known: Token | None) -> Token:
        try:
            token = self._fetch_alone(service)
        except TransportError as error:
            if error.permanent or self.fresh or known is None or not _lasts(known, USABLE):
                raise
            # Microsoft has trouble, and the token we hold is still good for a while.
            log.info("token_kept", credential_id=str(self.credential_id), code=error.code)
            return known
        self.fresh, self.claims = False, ""
        return token

    def _fetch_alone(self, service: MailService) -> Token:
        """Renews under the lock of all workers; who had to wait finds the winner's token in the stored cache."""
        lock = self._take_lock()
        try:
            return self._fetch(service)
        finally:
            if lock:
                with session_scope() as session:
                    token_cache.unlock(session, self.credential_id, self.version, lock)
            tallies.flush()

    def _take_lock(self) -> str | None:
        """The right to renew; None when the holder took too long, then we renew beside it."""
        deadline = time.monotonic() + LOCK_WAIT_SECONDS
        while True:
            with session_scope() as session:
                lock = token_cache.try_lock(session, self.credential_id, self.version)
            if lock or time.monotonic() > deadline:
                return lock
            time.sleep(LOCK_POLL_SECONDS)

    def _fetch(self, service: MailService) -> Token:
        stored = self._load()
        try:
            return self._fetch_with(service, stored)
        except TransportError as error:
            if not error.permanent:
                raise
            # "Refresh token revoked" says nothing when somebody has stored a newer one meanwhile.
            newest = self._load()
            if _revision(newest) == _revision(stored):
                self._judge(error)
                raise
        return self._fetch_with(service, newest)

    def _judge(self, error: TransportError) -> None:
        """Keeps what Microsoft demands of the next sign-in. Raises TransportError when a newer version replaced us."""
        with session_scope() as session:
            if token_cache.version_of(session, self.credential_id) not in {self.version, None}:
                raise superseded() from error
            if error.claims:
                token_cache.note_claims(session, self.credential_id, self.version, error.claims)

    def _load(self) -> token_cache.StoredCache | None:
        with session_scope() as session:
            return token_cache.load(session, self.credential_id, self.version)

    def _fetch_with(self, service: MailService, stored: token_cache.StoredCache | None) -> Token:
        """Asks without any transaction open, then stores what the cache became, also when that was an error."""
        cache = TokenCache(blob=stored.blob if stored else "", claims=self.claims)
        expires_at = None
        try:
            token = service.fetch_token(cache, fresh=self.fresh)
            expires_at = token.expires_at
            tallies.add(REFRESHES, "renewed")
            return token
        except TransportError as error:
            tallies.add(REFRESHES, "refused" if error.permanent else "failed")
            raise
        finally:
            if cache.changed:
                self._save(cache.blob, _revision(stored), expires_at)

    def _save(self, blob: str, revision: int | None, expires_at: datetime | None) -> None:
        with session_scope() as session:
            saved = token_cache.save(
                session, self.credential_id, self.version, blob=blob, revision=revision, access_expires_at=expires_at
            )
        if not saved:
            log.info("token_cache_newer", credential_id=str(self.credential_id))


def superseded() -> TransportError:
    """The credential was renewed while this mail was on its way: the next try uses the new one."""
    return TransportError("", channel=OWN_CHANNEL, stage="token", code="credential_renewed", permanent=False)


def _revision(stored: token_cache.StoredCache | None) -> int | None:
    return stored.revision if stored else None


def _lasts(token: Token, ahead: timedelta) -> bool:
    return token.expires_at - utcnow() > ahead
