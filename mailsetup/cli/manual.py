"""`flask --app app microsoft-manual`: the manual for Microsoft admins, as docs/microsoft.md keeps it."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from mailsetup.wizard.guide import manual


@click.command("microsoft-manual")
@with_appcontext
def microsoft_manual() -> None:
    """Print docs/microsoft.md, with the links and commands that the set-up pages show."""
    click.echo(manual(), nl=False)
