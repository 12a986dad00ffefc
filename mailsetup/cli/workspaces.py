"""`flask --app app workspace ...`: customers, as the operator makes them."""

from __future__ import annotations

import getpass

import click

from mailsetup import settings
from mailsetup.cli.quotas import quota
from mailsetup.core.db import session_scope
from mailsetup.core.errors import InvalidInput
from mailsetup.privacy.erase import erasures
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.invitations import VALID_FOR, invite_by_operator
from mailsetup.workspaces.members import create_workspace
from mailsetup.workspaces.models import OWNER


@click.group()
def workspace() -> None:
    """Workspaces of customers."""


workspace.add_command(quota)


@workspace.command("erased")
def erased() -> None:
    """List the workspaces that were erased, newest first: when, by whom, how much mail waited."""
    with session_scope() as session:
        for row in erasures(session):
            rest = "" if row.finished_at else "; rows are still being deleted"
            when = f"{row.created_at:%Y-%m-%d %H:%M} UTC"
            click.echo(f"{when}  {row.name} ({row.workspace_id})  by {row.asked_by}, {row.waiting} mails waited{rest}")


@workspace.command("create")
@click.argument("name")
@click.option("--admin", "email", required=True, help="The address of whoever will own it.")
def create(name: str, email: str) -> None:
    """Make a workspace, and a link with which its first owner comes in."""
    actor = Actor(f"{getpass.getuser()} on the server")
    try:
        with session_scope() as session:
            made = create_workspace(session, name=name, owner=None, actor=actor)
            _, token = invite_by_operator(session, made.id, email=email, role=OWNER, actor=actor)
    except InvalidInput as error:
        raise click.ClickException(" ".join(error.fields.values())) from error
    click.echo(f"Workspace {made.name} is ready. Give this link to {email}; it works once, for {VALID_FOR.days} days:")
    click.echo(f"{settings.current().base_url}/invitations/{token.reveal()}")
