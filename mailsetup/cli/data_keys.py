"""`flask --app app keys rotate-data`: a new data key for one workspace, or for all."""

from __future__ import annotations

import getpass
import uuid

import click
from sqlalchemy import select

from mailsetup.core.db import session_scope
from mailsetup.core.errors import Conflict, NotFound
from mailsetup.workspaces import data_keys
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.data_keys import Resealing
from mailsetup.workspaces.models import WorkspaceKey


@click.command("rotate-data")
@click.argument("workspace", type=click.UUID, required=False)
@click.option("--all", "everybody", is_flag=True, help="Give every workspace a new key.")
@click.option("--resume", is_flag=True, help="Go on with what was begun, and destroy old keys nobody needs any more.")
def rotate_data(workspace: uuid.UUID | None, everybody: bool, resume: bool) -> None:
    """Give a workspace a new data key and seal everything anew; may be stopped, and gone on with by --resume."""
    if sum((workspace is not None, everybody, resume)) != 1:
        raise click.ClickException("Name one workspace, or give --all or --resume.")
    if not resume:
        _begin(_everybody() if workspace is None else [workspace])
    with session_scope() as session:
        walks = [Resealing(one) for one in data_keys.under_way(session)]
    retired = sum(_finish(walk) for walk in walks)
    click.echo(f"{sum(walk.done for walk in walks)} values sealed anew; {retired} of {len(walks)} old keys destroyed.")
    if retired < len(walks):
        minutes = int(data_keys.REST.total_seconds() // 60)
        click.echo(f"Run it again with --resume once {minutes} minutes are over: until then processes may use them.")
    if any(walk.refused for walk in walks):
        raise SystemExit(1)


def _everybody() -> list[uuid.UUID]:
    with session_scope() as session:
        return list(session.scalars(select(WorkspaceKey.workspace_id).order_by(WorkspaceKey.workspace_id)))


def _begin(chosen: list[uuid.UUID]) -> None:
    actor = Actor(f"{getpass.getuser()} on the server")
    for workspace_id in chosen:
        try:
            with session_scope() as session:
                data_keys.begin(session, workspace_id, actor=actor)
        except (Conflict, NotFound) as error:
            click.echo(f"workspace {workspace_id}: {error}")


def _finish(walk: Resealing) -> bool:
    walk.run(session_scope)
    for one in walk.refused:
        click.echo(f"workspace {walk.workspace_id}: {one} does not open: it was changed, or belongs to another row.")
    with session_scope() as session:
        return data_keys.retire(session, walk.workspace_id)
