"""A new data key for a workspace: it seals at once, everything is sealed anew, and then the old one is destroyed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, CursorResult, LargeBinary, delete, exists, func, select, tuple_, update
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.core import crypto
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import Conflict, NotFound, UnsealError
from mailsetup.workspaces import audit, sealing
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.models import OldWorkspaceKey, WorkspaceKey
from mailsetup.workspaces.sealing import SealedColumn

BATCH = 100
# Processes remember a key for five minutes, and a transaction that began with it may take a while.
REST = timedelta(seconds=2 * sealing.CACHE_SECONDS)
UNDER_WAY = "The key before this one is still in use; finish with: keys rotate-data --resume"
Scope = Callable[[], AbstractContextManager[Session]]
log = structlog.get_logger()


def begin(session: Session, workspace_id: uuid.UUID, *, actor: Actor) -> None:
    """Gives the workspace a new data key. Raises NotFound without a key, Conflict while the last time goes on."""
    row = session.get(WorkspaceKey, workspace_id, with_for_update=True)
    if row is None:
        raise NotFound("the workspace has no data key")
    if session.get(OldWorkspaceKey, workspace_id) is not None:
        raise Conflict(UNDER_WAY)
    session.add(OldWorkspaceKey(workspace_id=workspace_id, wrapped=row.wrapped, key_id=row.key_id))
    row.wrapped = settings.current().key_ring.wrap(crypto.new_key(), workspace_id=str(workspace_id))
    row.key_id = f"dk{int(row.key_id.removeprefix('dk')) + 1}"
    audit.record(
        session, workspace_id, actor=actor, action="data-key:replace", subject=row.key_id, subject_id=workspace_id
    )
    session.flush()
    sealing.forget(workspace_id)


def under_way(session: Session) -> list[uuid.UUID]:
    """Workspaces whose key of before is still there."""
    return list(session.scalars(select(OldWorkspaceKey.workspace_id).order_by(OldWorkspaceKey.workspace_id)))


@dataclass
class Resealing:
    """A walk over one workspace's sealed values; each says which key sealed it, so it may begin anew at any time."""

    workspace_id: uuid.UUID
    done: int = 0
    refused: list[str] = field(default_factory=list)

    def run(self, step: Scope) -> None:
        """Seals everything anew, a batch in each transaction that `step` opens."""
        for sealed in sealing.SEALED:
            after: Any = None
            while True:
                with step() as session:
                    after = self._batch(session, sealed, after)
                if after is None:
                    break

    def _batch(self, session: Session, sealed: SealedColumn, after: Any) -> Any:
        sealing.forget(self.workspace_id)
        keys = sealing.data_keys(session, self.workspace_id)
        key = tuple_(*sealed.column.class_.__mapper__.primary_key)
        query = select(sealed.column.class_).where(*_left(sealed, self.workspace_id, keys.current))
        query = query.where(key > after) if after is not None else query
        rows = session.scalars(query.order_by(*key.clauses).limit(BATCH)).all()
        for row in rows:
            self._reseal(session, sealed, row)
        return sealed.column.class_.__mapper__.primary_key_from_instance(rows[-1]) if len(rows) == BATCH else None

    def _reseal(self, session: Session, sealed: SealedColumn, row: Any) -> None:
        value, place = getattr(row, sealed.column.key), sealed.place(row)
        try:
            fresh = _anew(session, place, value)
        except UnsealError:
            log.error("sealed_value_does_not_open", table=place.table, row=place.row_id)
            self.refused.append(f"{place.table} {place.row_id}")
            return
        # Only what was read is replaced: whoever writes at the same moment wins.
        mine = [column == getattr(row, column.key) for column in type(row).__mapper__.primary_key]
        table = update(type(row)).where(*mine, sealed.column == value).values({sealed.column.key: fresh})
        result = session.execute(table, execution_options={"synchronize_session": False})
        self.done += result.rowcount if isinstance(result, CursorResult) else 0


def retire(session: Session, workspace_id: uuid.UUID) -> bool:
    """Destroys the key of before; False while a process may remember it, or something is still sealed with it."""
    old = session.get(OldWorkspaceKey, workspace_id, with_for_update=True)
    if old is None or old.replaced_at > utcnow() - REST or _anything_left(session, workspace_id):
        return False
    session.execute(delete(OldWorkspaceKey).where(OldWorkspaceKey.workspace_id == workspace_id))
    sealing.forget(workspace_id)
    return True


def _anything_left(session: Session, workspace_id: uuid.UUID) -> bool:
    current = sealing.data_keys(session, workspace_id).current
    return any(session.scalar(select(exists().where(*_left(one, workspace_id, current)))) for one in sealing.SEALED)


def _left(sealed: SealedColumn, workspace_id: uuid.UUID, current: str) -> tuple[ColumnElement[bool], ...]:
    prefix = f"{crypto.VERSION}.{current}."
    begins: Any = prefix.encode() if isinstance(sealed.column.type, LargeBinary) else prefix
    mine = sealed.column.class_.workspace_id == workspace_id
    return mine, func.length(sealed.column) > 0, func.substr(sealed.column, 1, len(prefix)) != begins


def _anew(session: Session, place: crypto.Place, value: str | bytes) -> str | bytes:
    if isinstance(value, bytes):
        return sealing.seal_body(session, place, sealing.unseal_body(session, place, value))
    return sealing.seal(session, place, sealing.unseal(session, place, value))
