"""`flask --app app keys ...`: the master keys and what they hold."""

from __future__ import annotations

from collections import Counter

import click
from sqlalchemy import select

from mailsetup import settings
from mailsetup.core.crypto import sealed_with
from mailsetup.core.db import session_scope
from mailsetup.workspaces.models import WorkspaceKey


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
