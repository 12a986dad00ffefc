"""Seals and opens values with the workspace's own data key."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from mailsetup import settings
from mailsetup.core import crypto
from mailsetup.core.crypto import Place
from mailsetup.core.errors import UnsealError
from mailsetup.workspaces.models import WorkspaceKey

DATA_KEY_ID = "dk1"
CACHE_SECONDS = 300.0

_cache: dict[uuid.UUID, tuple[float, bytes]] = {}


def create_data_key(session: Session, workspace_id: uuid.UUID) -> None:
    """Makes the data key of a new workspace."""
    wrapped = settings.current().key_ring.wrap(crypto.new_key(), workspace_id=str(workspace_id))
    session.add(WorkspaceKey(workspace_id=workspace_id, wrapped=wrapped))
    session.flush()


def data_key(session: Session, workspace_id: uuid.UUID) -> bytes:
    """The workspace's data key, kept in memory for at most five minutes. Raises UnsealError."""
    known = _cache.get(workspace_id)
    if known and known[0] > time.monotonic():
        return known[1]
    row = session.get(WorkspaceKey, workspace_id)
    if row is None:
        raise UnsealError("the workspace has no data key: it was destroyed")
    key = settings.current().key_ring.unwrap(row.wrapped, workspace_id=str(workspace_id))
    _cache[workspace_id] = (time.monotonic() + CACHE_SECONDS, key)
    return key


def forget(workspace_id: uuid.UUID) -> None:
    """Drops a key from this process's memory: the workspace was erased, or its key was replaced."""
    _cache.pop(workspace_id, None)


def forget_destroyed(session: Session) -> None:
    """Drops from memory what other processes destroyed."""
    known = set(_cache)
    if known:
        kept = select(WorkspaceKey.workspace_id).where(WorkspaceKey.workspace_id.in_(known))
        for workspace_id in known - set(session.scalars(kept)):
            forget(workspace_id)


def sealed_by(key_ids: Iterable[str], column: InstrumentedAttribute[str] = WorkspaceKey.wrapped) -> ColumnElement[bool]:
    """Whether one of these master keys wrapped a workspace's key."""
    prefixes = (f"{crypto.VERSION}.{key_id}." for key_id in key_ids)
    return or_(false(), *(column.startswith(prefix, autoescape=True) for prefix in prefixes))


def seal(session: Session, place: Place, value: str) -> str:
    """The text sealed for one place."""
    key = data_key(session, uuid.UUID(place.workspace_id))
    return crypto.seal_text(value.encode(), key=key, key_id=DATA_KEY_ID, aad=place.aad())


def unseal(session: Session, place: Place, sealed: str) -> str:
    """The text inside. Raises UnsealError when it belongs elsewhere."""
    return crypto.open_text(sealed, key=data_key(session, uuid.UUID(place.workspace_id)), aad=place.aad()).decode()


def seal_body(session: Session, place: Place, value: bytes) -> bytes:
    """Large bytes sealed for one place."""
    key = data_key(session, uuid.UUID(place.workspace_id))
    return crypto.seal_bytes(value, key=key, key_id=DATA_KEY_ID, aad=place.aad())


def unseal_body(session: Session, place: Place, sealed: bytes) -> bytes:
    """The bytes inside. Raises UnsealError when they belong elsewhere."""
    return crypto.open_bytes(sealed, key=data_key(session, uuid.UUID(place.workspace_id)), aad=place.aad())
