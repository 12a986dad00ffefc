"""What must hold before a process serves: walls that stand, and master keys that open what they sealed."""

from __future__ import annotations

from sqlalchemy import Engine, not_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.core import walls
from mailsetup.core.crypto import VERSION, KeyRing, sealed_with
from mailsetup.core.errors import SettingsError, UnsealError
from mailsetup.workspaces.models import WorkspaceKey
from mailsetup.workspaces.sealing import sealed_by

SAMPLES = 5  # one changed row must not keep everybody else's mail from going out


def refuse_unsafe_start(engine: Engine) -> None:
    """Raises SettingsError when the walls are weak or a master key is missing or wrong; away is no refusal."""
    walls.refuse_weak_walls(engine)
    try:
        with Session(engine) as session:
            refuse_lost_keys(session, settings.current().key_ring)
    except SQLAlchemyError:
        return
    finally:
        engine.dispose()  # whoever forks next must not inherit a connection


def refuse_lost_keys(session: Session, ring: KeyRing) -> None:
    """Raises SettingsError when the ring lacks a key that sealed something, or has another one under its name."""
    _try_primary(ring)
    stray = select(WorkspaceKey.wrapped).where(
        WorkspaceKey.wrapped.startswith(f"{VERSION}."), not_(sealed_by(ring.keys))
    )
    if wrapped := session.scalar(stray.limit(1)):
        raise SettingsError(
            f"The master key {sealed_with(wrapped)} sealed secrets of workspaces, and the ring does not have it. Put "
            "it back into MAILSETUP_ENCRYPTION_KEYS (or its file); nothing was changed."
        )
    for key_id in ring.keys:
        _try_key(session, ring, key_id)


def _try_primary(ring: KeyRing) -> None:
    try:
        ring.unwrap(ring.wrap(b"sentinel", workspace_id="sentinel"), workspace_id="sentinel")
    except UnsealError as error:
        raise SettingsError(f"The primary master key {ring.primary} does not seal: {error}.") from error


def _try_key(session: Session, ring: KeyRing, key_id: str) -> None:
    query = select(WorkspaceKey.workspace_id, WorkspaceKey.wrapped).where(sealed_by([key_id])).limit(SAMPLES)
    rows = session.execute(query).all()
    if rows and not any(_opens(ring, str(workspace_id), wrapped) for workspace_id, wrapped in rows):
        raise SettingsError(
            f"The master key {key_id} of the ring does not open what it sealed: it is another key under the same name, "
            "or its second half is missing. Nothing was changed."
        )


def _opens(ring: KeyRing, workspace_id: str, wrapped: str) -> bool:
    try:
        ring.unwrap(wrapped, workspace_id=workspace_id)
    except UnsealError:
        return False
    return True
