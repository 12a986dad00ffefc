"""Runs migrations on the database that `mailsetup.cli.database` names, on SQLite as on PostgreSQL.

Everything happens in one transaction, and one process at a time: whoever comes second finds the work done.
"""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

from mailsetup.core.db import UTCDateTime, make_engine
from mailsetup.core.raw_sql import grant_to, raise_walls

# Any number will do, as long as every process of this product uses the same one.
LOCK = 7_203_945_118


def render(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Keeps our own types out of migrations, which have to run long after the code moved on."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    """Runs what is asked for, in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=context.config.attributes["metadata"],
        render_as_batch=True,
        render_item=render,
        transactional_ddl=True,
        compare_type=True,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        context.run_migrations()
        if connection.dialect.name == "postgresql":
            finish(connection)


def finish(connection: Connection) -> None:
    """Walls around whatever table is new, and the rights of the role that the product runs as, when it is another."""
    raise_walls(connection)
    if role := context.config.attributes.get("run_time_role"):
        grant_to(connection, role)


def without_foreign_keys(connection: Connection) -> None:
    """SQLite changes a table by making it anew: dropping the old one must not delete what points to it."""
    if connection.dialect.name == "sqlite":
        # Straight to the driver, because inside a transaction SQLite ignores this.
        cursor = connection.connection.cursor()
        cursor.execute("PRAGMA foreign_keys=OFF")
        cursor.close()


def main() -> None:
    """Connects and runs on an engine of its own, so what is switched off here is off for nobody else."""
    engine = make_engine(context.config.attributes["url"])
    with engine.connect() as connection:
        without_foreign_keys(connection)
        run(connection)
    engine.dispose()


main()
