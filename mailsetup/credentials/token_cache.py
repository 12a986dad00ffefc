"""The sealed MSAL token cache of a credential version: saved by compare-and-swap, refreshed by one at a time."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, Update, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.crypto import Place
from mailsetup.core.ids import new_id
from mailsetup.credentials.models import Credential, CredentialToken
from mailsetup.workspaces.sealing import register, seal, unseal

LOCK_SECONDS = 60.0


@dataclass(frozen=True)
class StoredCache:
    """A token cache as it was stored; `revision` is what `save` wants to see again."""

    blob: str = field(repr=False)
    revision: int
    access_expires_at: datetime | None
    refreshed_at: datetime


def load(session: Session, credential_id: uuid.UUID, version: int) -> StoredCache | None:
    """The stored cache, or None when there is none yet. Raises UnsealError."""
    row = _row(session, credential_id, version)
    if row is None:
        return None
    blob = unseal(session, _place(row.workspace_id, row.id, row.version), row.sealed)
    return StoredCache(blob, row.revision, row.access_expires_at, row.refreshed_at)


def save(
    session: Session,
    credential_id: uuid.UUID,
    version: int,
    *,
    blob: str,
    revision: int | None,
    access_expires_at: datetime | None = None,
) -> bool:
    """Stores the cache if it still has `revision` (None: if there is none); False when somebody was faster."""
    if revision is None:
        return _insert(session, credential_id, version, blob=blob, access_expires_at=access_expires_at)
    row = _row(session, credential_id, version)
    if row is None:
        return False
    swap = update(CredentialToken).where(CredentialToken.id == row.id, CredentialToken.revision == revision)
    values = {
        "sealed": seal(session, _place(row.workspace_id, row.id, version), blob),
        "revision": revision + 1,
        "access_expires_at": access_expires_at,
        "refreshed_at": utcnow(),
        "renew_at": None,
    }
    return _changed(session, swap.values(**values))


def try_lock(session: Session, credential_id: uuid.UUID, version: int, *, seconds: float = LOCK_SECONDS) -> str | None:
    """The right to refresh, as the token that gives it back; None when somebody has it. Commit to make it seen."""
    if _row(session, credential_id, version) is None:
        _insert(session, credential_id, version, blob="", access_expires_at=None)
    now, token = utcnow(), secrets.token_hex(16)
    free = CredentialToken.lock_until.is_(None) | (CredentialToken.lock_until < now)
    taken = _this(credential_id, version).where(free)
    values = {"lock_token": token, "lock_until": now + timedelta(seconds=seconds)}
    return token if _changed(session, taken.values(**values)) else None


def version_of(session: Session, credential_id: uuid.UUID) -> int | None:
    """The version that counts now; None when the credential is gone."""
    return session.scalar(select(Credential.version).where(Credential.id == credential_id))


def note_claims(session: Session, credential_id: uuid.UUID, version: int, claims: str) -> None:
    """Keeps what Microsoft demands of the next sign-in."""
    _changed(session, _this(credential_id, version).values(claims=claims))


def claims_of(session: Session, credential_id: uuid.UUID) -> str:
    """What Microsoft demands of the next sign-in; empty when nothing is known."""
    wanted = (
        select(CredentialToken.claims)
        .join(Credential, Credential.id == CredentialToken.credential_id)
        .where(CredentialToken.credential_id == credential_id, CredentialToken.version == Credential.version)
    )
    return session.scalar(wanted) or ""


def unlock(session: Session, credential_id: uuid.UUID, version: int, token: str) -> bool:
    """Gives the right to refresh back; False when it had run out and went to somebody else."""
    mine = _this(credential_id, version).where(CredentialToken.lock_token == token)
    return _changed(session, mine.values(lock_token=None, lock_until=None))


def _this(credential_id: uuid.UUID, version: int) -> Update:
    return update(CredentialToken).where(
        CredentialToken.credential_id == credential_id, CredentialToken.version == version
    )


def _row(session: Session, credential_id: uuid.UUID, version: int) -> CredentialToken | None:
    wanted = select(CredentialToken).where(
        CredentialToken.credential_id == credential_id, CredentialToken.version == version
    )
    return session.scalar(wanted, execution_options={"populate_existing": True})


def _insert(
    session: Session, credential_id: uuid.UUID, version: int, *, blob: str, access_expires_at: datetime | None
) -> bool:
    credential = session.get_one(Credential, credential_id)
    row_id = new_id()
    row = CredentialToken(
        id=row_id,
        workspace_id=credential.workspace_id,
        credential_id=credential_id,
        version=version,
        sealed=seal(session, _place(credential.workspace_id, row_id, version), blob),
        access_expires_at=access_expires_at,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True


def _changed(session: Session, statement: Update) -> bool:
    done = session.execute(statement, execution_options={"synchronize_session": False})
    return isinstance(done, CursorResult) and done.rowcount == 1


def _place(workspace_id: uuid.UUID, row_id: uuid.UUID, version: int) -> Place:
    return Place(
        workspace_id=str(workspace_id),
        table=CredentialToken.__tablename__,
        row_id=str(row_id),
        field="cache",
        version=version,
    )


register(CredentialToken.sealed, lambda row: _place(row.workspace_id, row.id, row.version))
