"""`flask --app app keys ...`: the master keys and what they hold."""

from __future__ import annotations

from collections import Counter

import click
from sqlalchemy import ColumnElement, CursorResult, false, or_, select, update
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.core.crypto import VERSION, sealed_with
from mailsetup.core.db import session_scope
from mailsetup.workspaces.models import WorkspaceKey

BATCH = 100


@click.group()
def keys() -> None:
    """The key ring."""


@keys.command("status")
def status() -> None:
    """Count the workspace keys that each master key seals; exit 1 when a master key is missing."""
    ring = settings.current().key_ring
    with session_scope() as session:
        counts = Counter(map(sealed_with, session.scalars(select(WorkspaceKey.wrapped))))
    for key_id in ring.keys:
        primary = " (primary: seals new workspaces)" if key_id == ring.primary else ""
        click.echo(f"{key_id}: {counts[key_id]} workspace keys{primary}")
    missing = sorted(set(counts) - set(ring.keys))
    for key_id in missing:
        click.echo(
            f"{key_id}: {counts[key_id]} workspace keys, but it is NOT in the ring: these workspaces do not open."
        )
    if missing:
        raise SystemExit(1)


@keys.command("rewrap")
def rewrap() -> None:
    """Seal every workspace key with the primary master key; may be stopped and started again."""
    done = 0
    while changed := _rewrap_some():
        done += changed
    click.echo(f"{done} workspace keys are now sealed by {settings.current().key_ring.primary}.")


def _rewrap_some() -> int:
    primary = settings.current().key_ring.primary
    known = tuple(key_id for key_id in settings.current().key_ring.keys if key_id != primary)
    with session_scope() as session:
        rows = session.scalars(select(WorkspaceKey).where(_sealed_by_any(known)).limit(BATCH)).all()
        return sum(_rewrap_one(session, row) for row in rows)


def _sealed_by_any(key_ids: tuple[str, ...]) -> ColumnElement[bool]:
    return or_(
        false(), *(WorkspaceKey.wrapped.startswith(f"{VERSION}.{key_id}.", autoescape=True) for key_id in key_ids)
    )


def _rewrap_one(session: Session, row: WorkspaceKey) -> int:
    ring, workspace_id = settings.current().key_ring, str(row.workspace_id)
    fresh = ring.wrap(ring.unwrap(row.wrapped, workspace_id=workspace_id), workspace_id=workspace_id)
    # Only what was read is replaced: whoever writes at the same moment wins.
    kept = WorkspaceKey.workspace_id == row.workspace_id, WorkspaceKey.wrapped == row.wrapped
    result = session.execute(update(WorkspaceKey).where(*kept).values(wrapped=fresh))
    return result.rowcount if isinstance(result, CursorResult) else 0
