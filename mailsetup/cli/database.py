"""`flask --app app db ...`: brings the database to the newest shape.

Alembic is imported by what migrates: a web process has these commands too, and would carry its 13 MB for nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from sqlalchemy import make_url

from mailsetup import settings
from mailsetup.core import db
from mailsetup.core.db import Base

if TYPE_CHECKING:
    from alembic.config import Config

TOP = Path(__file__).parents[2]


@click.group("db")
def database() -> None:
    """Migrations of the database."""


@database.command("upgrade")
def upgrade_command() -> None:
    """Bring the database to the newest migration."""
    upgrade()
    click.echo("The database is at the newest migration.")


@database.command("check")
def check_command() -> None:
    """Say whether the tables in the code differ from the migrations."""
    from alembic import command
    from alembic.util import CommandError

    try:
        command.check(alembic_config())
    except CommandError as error:
        raise click.ClickException(str(error)) from error


@database.command("revision")
@click.argument("message")
def revision_command(message: str) -> None:
    """Write a migration for what changed in the code, to be read before it is committed."""
    from alembic import command

    number = len(list((TOP / "migrations" / "versions").glob("*.py"))) + 1
    command.revision(alembic_config(), message=message, autogenerate=True, rev_id=f"{number:04d}")


def upgrade() -> None:
    """Runs every migration that the configured database does not have yet."""
    from alembic import command

    command.upgrade(alembic_config(), "head")


def alembic_config() -> Config:
    """Alembic's configuration for the database of this process."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(TOP / "migrations"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    run_time = db.engine().url
    migrating = make_url(settings.current().migration_database_url) if _has_own_role() else run_time
    config.attributes["url"] = migrating.render_as_string(hide_password=False)
    config.attributes["run_time_role"] = run_time.username if migrating.username != run_time.username else None
    config.attributes["metadata"] = Base.metadata
    return config


def _has_own_role() -> bool:
    return settings.started() and bool(settings.current().migration_database_url)
