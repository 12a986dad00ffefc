"""`flask --app app keys ...`: the master keys and what they hold."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import click
import structlog
from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from mailsetup import settings
from mailsetup.core.crypto import sealed_with
from mailsetup.core.db import session_scope
from mailsetup.core.errors import SettingsError, UnsealError
from mailsetup.core.key_file import KeyFile
from mailsetup.workspaces import audit_chain, second_factor
from mailsetup.workspaces.models import AuditHead, OldWorkspaceKey, SecondFactor, WorkspaceKey
from mailsetup.workspaces.sealing import sealed_by

BATCH = 100
NO_ID = uuid.UUID(int=0)
Wrapped = type[WorkspaceKey] | type[OldWorkspaceKey] | type[AuditHead] | type[SecondFactor]
# Where keys of workspaces and people lie, and what is put before the id in the place that each is bound to.
LABELS: dict[Wrapped, str] = {
    WorkspaceKey: "",
    OldWorkspaceKey: "",
    AuditHead: audit_chain.LABEL,
    SecondFactor: second_factor.LABEL,
}
log = structlog.get_logger()


@click.group()
def keys() -> None:
    """The key ring."""


@keys.command("status")
def status() -> None:
    """Count the keys that each master key seals; exit 1 when a master key is missing."""
    ring = settings.current().key_ring
    counts = key_counts()
    for key_id in ring.keys:
        primary = " (primary: seals new workspaces)" if key_id == ring.primary else ""
        click.echo(f"{key_id}: {counts[key_id]} keys{primary}")
    missing = sorted(set(counts) - set(ring.keys))
    for key_id in missing:
        click.echo(f"{key_id}: {counts[key_id]} keys, but it is NOT in the ring: these workspaces do not open.")
    if missing:
        raise SystemExit(1)


@keys.command("add")
@click.argument("key_id")
def add(key_id: str) -> None:
    """Put a new master key behind the others: it opens, and does not seal yet."""
    _edit(lambda file: file.add(key_id))
    click.echo(f"{key_id} is in the ring. Restart every process, then run: keys promote {key_id}")


@keys.command("promote")
@click.argument("key_id")
def promote(key_id: str) -> None:
    """Move a master key to the front: it seals from the next start on."""
    _edit(lambda file: file.promote(key_id))
    click.echo(f"{key_id} is the primary key. Restart every process, then run: keys rewrap")


@keys.command("retire")
@click.argument("key_id")
def retire(key_id: str) -> None:
    """Take a master key away for ever; refused while it seals anything."""
    held = key_counts()[key_id]
    if held:
        raise click.ClickException(f"{key_id} still seals {held} keys. Run keys rewrap first.")
    if key_id == settings.current().key_ring.primary:
        raise click.ClickException(f"{key_id} is the primary key. Promote another one first.")
    _edit(lambda file: file.remove(key_id))
    click.echo(f"{key_id} is out of the ring. Keep a copy as long as you keep a backup from before.")


def _edit(change: Callable[[KeyFile], None]) -> None:
    path = settings.current().key_ring_file
    if not path:
        raise click.ClickException(
            "The ring stands in MAILSETUP_ENCRYPTION_KEYS, which a command cannot edit: change it where it is kept, "
            "or move it to a file that MAILSETUP_ENCRYPTION_KEYS_FILE names."
        )
    try:
        change(KeyFile(Path(path)))
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def key_counts() -> Counter[str]:
    """How many keys each master key seals."""
    with session_scope() as session:
        return Counter(sealed_with(wrapped) for table in LABELS for wrapped in session.scalars(select(table.wrapped)))


@keys.command("rewrap")
@click.option("--resume", is_flag=True, help="Go on where a run before was stopped; without it the same happens.")
def rewrap(resume: bool) -> None:
    """Seal every workspace key with the primary master key; may be stopped and started again."""
    before = key_counts()[settings.current().key_ring.primary]
    if resume:
        click.echo(f"{before} keys were done before.")
    walks = [Rewrapping(table) for table in LABELS]
    for walk in walks:
        while walk.step():
            pass
    done = sum(walk.done for walk in walks)
    click.echo(f"{done} keys are now sealed by {settings.current().key_ring.primary}.")
    refused = [workspace_id for walk in walks for workspace_id in walk.refused]
    for workspace_id in refused:
        click.echo(f"workspace {workspace_id}: its key does not open here: it was changed, or belongs to another row.")
    if refused:
        raise SystemExit(1)


@dataclass
class Rewrapping:
    """A walk over the keys by id; it needs no memory of its own, as each key says which one sealed it."""

    table: Wrapped = WorkspaceKey
    after: uuid.UUID = NO_ID
    done: int = 0
    refused: list[uuid.UUID] = field(default_factory=list)

    def step(self) -> bool:
        """Rewraps a batch in one transaction; False when none is left."""
        primary = settings.current().key_ring.primary
        others = (key_id for key_id in settings.current().key_ring.keys if key_id != primary)
        row_id, wrapped = _owner(self.table), self.table.wrapped
        query = select(row_id.label("owner"), wrapped).where(sealed_by(others, wrapped), row_id > self.after)
        with session_scope() as session:
            rows = session.execute(query.order_by(row_id).limit(BATCH)).all()
            done = sum(self._rewrap(session, owner, wrapped) for owner, wrapped in rows)
        self.done += done
        self.after = rows[-1].owner if rows else self.after
        return bool(rows)

    def _rewrap(self, session: Session, owner: uuid.UUID, wrapped: str) -> int:
        try:
            return _rewrap_one(session, self.table, owner, wrapped)
        except UnsealError:
            log.error("wrapped_key_does_not_open", table=self.table.__tablename__, owner=str(owner))
            self.refused.append(owner)
            return 0


def _owner(table: Wrapped) -> InstrumentedAttribute[uuid.UUID]:
    """The column that says whose key it is: a person's, or a workspace's."""
    return table.user_id if issubclass(table, SecondFactor) else table.workspace_id


def _rewrap_one(session: Session, table: Wrapped, owner: uuid.UUID, wrapped: str) -> int:
    ring, place = settings.current().key_ring, f"{LABELS[table]}{owner}"
    fresh = ring.wrap(ring.unwrap(wrapped, workspace_id=place), workspace_id=place)
    # Only what was read is replaced: whoever writes at the same moment wins.
    kept = _owner(table) == owner, table.wrapped == wrapped
    result = session.execute(update(table).where(*kept).values(wrapped=fresh))
    return result.rowcount if isinstance(result, CursorResult) else 0
