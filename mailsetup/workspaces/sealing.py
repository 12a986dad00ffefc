"""Seals and opens values with the workspace's own data key."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, false, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from mailsetup import settings
from mailsetup.core import crypto
from mailsetup.core.crypto import Place
from mailsetup.core.errors import UnsealError
from mailsetup.workspaces.models import OldWorkspaceKey, WorkspaceKey

FIRST_KEY_ID = "dk1"
CACHE_SECONDS = 300.0


@dataclass(frozen=True)
class DataKeys:
    """The keys of a workspace by id: the current one seals, the one of before still opens."""

    current: str
    by_id: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True)
class SealedColumn:
    """A column that holds sealed values, and where the value of a row belongs."""

    column: InstrumentedAttribute[Any]
    place: Callable[[Any], Place]


# Every column with sealed values; the feature that owns it registers it, so that a new data key reaches it.
SEALED: list[SealedColumn] = []
_cache: dict[uuid.UUID, tuple[float, DataKeys]] = {}


def register(column: InstrumentedAttribute[Any], place: Callable[[Any], Place]) -> None:
    """Says that this column holds sealed values."""
    SEALED.append(SealedColumn(column, place))


def create_data_key(session: Session, workspace_id: uuid.UUID) -> None:
    """Makes the data key of a new workspace."""
    wrapped = settings.current().key_ring.wrap(crypto.new_key(), workspace_id=str(workspace_id))
    session.add(WorkspaceKey(workspace_id=workspace_id, wrapped=wrapped, key_id=FIRST_KEY_ID))
    session.flush()


def data_key(session: Session, workspace_id: uuid.UUID) -> bytes:
    """The key that seals for the workspace. Raises UnsealError."""
    keys = data_keys(session, workspace_id)
    return keys.by_id[keys.current]


def data_keys(session: Session, workspace_id: uuid.UUID) -> DataKeys:
    """The workspace's data keys, kept in memory for at most five minutes. Raises UnsealError."""
    known = _cache.get(workspace_id)
    if known and known[0] > time.monotonic():
        return known[1]
    row = session.execute(_wrapped(WorkspaceKey, [workspace_id])).first()
    if row is None:
        raise UnsealError("the workspace has no data key: it was destroyed")
    return _keep(workspace_id, row, session.execute(_wrapped(OldWorkspaceKey, [workspace_id])))


def learn_keys(session: Session, workspace_ids: Collection[uuid.UUID]) -> None:
    """Reads the data keys of many workspaces at once, for whoever opens something of each; who has none is left out.

    What does not open is left out too: it is told to whoever asks for it.
    """
    now = time.monotonic()
    unknown = [one for one in workspace_ids if one not in _cache or _cache[one][0] <= now]
    if not unknown:
        return
    old: dict[uuid.UUID, list[Any]] = {}
    for row in session.execute(_wrapped(OldWorkspaceKey, unknown)):
        old.setdefault(row.workspace_id, []).append(row)
    for row in session.execute(_wrapped(WorkspaceKey, unknown)):
        with suppress(UnsealError):
            _keep(row.workspace_id, row, old.get(row.workspace_id, ()))


def _keep(workspace_id: uuid.UUID, row: Any, old: Iterable[Any]) -> DataKeys:
    ring = settings.current().key_ring
    opened = {one.key_id: ring.unwrap(one.wrapped, workspace_id=str(workspace_id)) for one in (row, *old)}
    keys = DataKeys(row.key_id, opened)
    _cache[workspace_id] = (time.monotonic() + CACHE_SECONDS, keys)
    return keys


def _wrapped(
    table: type[WorkspaceKey | OldWorkspaceKey], workspace_ids: Collection[uuid.UUID]
) -> Select[uuid.UUID, str, str]:
    return select(table.workspace_id, table.key_id, table.wrapped).where(table.workspace_id.in_(workspace_ids))


def _opener(session: Session, place: Place, key_id: str) -> bytes:
    workspace_id = uuid.UUID(place.workspace_id)
    keys = data_keys(session, workspace_id)
    if key_id not in keys.by_id:
        forget(workspace_id)  # Somebody else gave the workspace a new key since this process looked.
        keys = data_keys(session, workspace_id)
    if key_id not in keys.by_id:
        raise UnsealError(f"the workspace has no data key named {key_id}")
    return keys.by_id[key_id]


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
    keys = data_keys(session, uuid.UUID(place.workspace_id))
    return crypto.seal_text(value.encode(), key=keys.by_id[keys.current], key_id=keys.current, aad=place.aad())


def unseal(session: Session, place: Place, sealed: str) -> str:
    """The text inside. Raises UnsealError when it belongs elsewhere."""
    key = _opener(session, place, crypto.sealed_with(sealed))
    return crypto.open_text(sealed, key=key, aad=place.aad()).decode()


def seal_body(session: Session, place: Place, value: bytes) -> bytes:
    """Large bytes sealed for one place."""
    keys = data_keys(session, uuid.UUID(place.workspace_id))
    return crypto.seal_bytes(value, key=keys.by_id[keys.current], key_id=keys.current, aad=place.aad())


def unseal_body(session: Session, place: Place, sealed: bytes) -> bytes:
    """The bytes inside. Raises UnsealError when they belong elsewhere."""
    key = _opener(session, place, crypto.body_sealed_with(sealed))
    return crypto.open_bytes(sealed, key=key, aad=place.aad())
