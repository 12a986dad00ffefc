"""`flask --app app workspace quota`: what one workspace may use, more or less than usual."""

from __future__ import annotations

import getpass

import click

from mailsetup.cli.outbox import find_workspace
from mailsetup.core.db import session_scope
from mailsetup.settings import MANY
from mailsetup.workspaces import quotas
from mailsetup.workspaces.audit import Actor


@click.command("quota")
@click.argument("workspace")
@click.argument("name", type=click.Choice(list(quotas.QUOTAS)), required=False)
@click.argument("number", required=False)
def quota(workspace: str, name: str | None, number: str | None) -> None:
    """Show what WORKSPACE (name or id) uses of its quotas, or give it another NUMBER of one; `usual` takes it back."""
    with session_scope() as session:
        found = find_workspace(session, workspace)
        if name is not None and number is not None:
            actor = Actor(f"{getpass.getuser()} on the server")
            quotas.set_limit(session, found, name, _number(number), actor=actor)
        for use in quotas.list_uses(session, found.id):
            if name in {None, use.quota.name}:
                click.echo(use.words)


def _number(text: str) -> int | None:
    if text == "usual":
        return None
    if not text.isdecimal() or int(text) > MANY:
        raise click.ClickException(f"Give a whole number up to {MANY:,}, or `usual`.")
    return int(text)
