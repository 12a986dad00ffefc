"""All SQL that is written as text, in this one place; what people typed never becomes part of it."""

from __future__ import annotations

import contextlib
import random
import select
import sqlite3
import time
from typing import Any

from psycopg import Error as PsycopgError
from psycopg import OperationalError, pq, sql
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

LOCK_SECONDS = 20.0
SCOPE = "mailsetup.workspace"
EVERYWHERE = "*"
WALL = "workspace_wall"
# One look at a setting for each row, none at any other table, so that the plans stay what they were.
_INSIDE = "current_setting('" + SCOPE + "', true) IN ('*', {column}::text)"


def prepare_sqlite(connection: Any, _record: Any) -> None:
    """Sets up a fresh connection to SQLite."""
    # The driver's own transaction handling loses updates silently: we say BEGIN ourselves.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=20000"):
        connection.execute(f"PRAGMA {pragma}")


def begin_immediate(connection: Connection) -> None:
    """Takes the write lock; asks often, as SQLite's own waiting grows to 100 ms and lets the unlucky starve."""
    driver: Any = connection.connection.driver_connection
    deadline = time.monotonic() + LOCK_SECONDS
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < deadline:
            with contextlib.suppress(sqlite3.OperationalError):
                driver.execute("BEGIN IMMEDIATE")
                return
            time.sleep(random.uniform(0.0005, 0.004))  # noqa: S311 - spreads load, guards nothing
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        driver.execute("PRAGMA busy_timeout=20000")


def set_scope(connection: Connection, scope: str) -> None:
    """Says which workspace's rows this transaction of PostgreSQL may see; over with the transaction."""
    driver: Any = connection.connection.driver_connection
    driver.execute("SELECT set_config('" + SCOPE + "', %s, true)", (scope,))


def begin_in_scope(connection: Connection, scope: str) -> None:
    """Begins a transaction of PostgreSQL and sets its scope, in one round trip; the driver's own BEGIN is another."""
    driver: Any = connection.connection.driver_connection
    if driver.closed or driver.autocommit or driver.info.transaction_status != pq.TransactionStatus.IDLE:
        set_scope(connection, scope)
        return
    told = sql.SQL("BEGIN; SELECT set_config({}, {}, true)").format(SCOPE, scope)
    result = driver.pgconn.exec_(told.as_bytes(driver))
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise OperationalError(result.get_error_message())


def is_quiet(driver: Any) -> bool:
    """Whether nothing came over an idle connection of PostgreSQL; a server that ends it says so, or closes it."""
    if driver.closed:
        return False
    poll = select.poll()
    poll.register(driver.fileno(), select.POLLIN)
    return not poll.poll(0)


def is_alive(driver: Any) -> bool:
    """Whether PostgreSQL answers over this connection."""
    try:
        driver.execute("SELECT 1")
        driver.rollback()
    except PsycopgError:
        return False
    return True


def answers(session: Session) -> bool:
    """Whether the database answers at all."""
    return bool(session.scalar(text("SELECT 1")) == 1)


def postgresql_setting(session: Session, name: str) -> str:
    """What the server says of one of its settings."""
    return str(session.scalar(text("SELECT current_setting(:name)"), {"name": name}))


def raise_walls(connection: Connection) -> None:
    """Row-level security on every table that belongs to a workspace, also for the tables' owner (PostgreSQL 5.8)."""
    preparer = connection.dialect.identifier_preparer
    for table, column in connection.execute(text(_UNWALLED), {"wall": WALL}).all():
        name, inside = preparer.quote(table), _INSIDE.format(column=preparer.quote(column))
        connection.exec_driver_sql(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        connection.exec_driver_sql(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        connection.exec_driver_sql(f"DROP POLICY IF EXISTS {WALL} ON {name}")
        connection.exec_driver_sql(f"CREATE POLICY {WALL} ON {name} USING ({inside}) WITH CHECK ({inside})")


def forbid_changes(connection: Connection, table: str) -> None:
    """From here on rows of this table can be added, and neither changed nor deleted, whoever asks."""
    name = connection.dialect.identifier_preparer.quote(table)
    for statement in _STAYS[connection.dialect.name]:
        connection.exec_driver_sql(statement.format(table=name))


def allow_changes(connection: Connection, table: str) -> None:
    """Takes `forbid_changes` back."""
    name = connection.dialect.identifier_preparer.quote(table)
    for statement in _STAYS_NO_MORE[connection.dialect.name]:
        connection.exec_driver_sql(statement.format(table=name))


_SAYS = "rows of {table} are neither changed nor deleted"
_STAYS = {
    "postgresql": (
        "CREATE FUNCTION {table}_stay() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_SAYS}'; END $$",
        "CREATE TRIGGER {table}_stay BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_stay()",
    ),
    "sqlite": tuple(
        f"CREATE TRIGGER {{table}}_{verb} BEFORE {verb.upper()} ON {{table}} BEGIN SELECT RAISE(ABORT, '{_SAYS}'); END"
        for verb in ("update", "delete")
    ),
}
_STAYS_NO_MORE = {
    "postgresql": ("DROP TRIGGER {table}_stay ON {table}", "DROP FUNCTION {table}_stay()"),
    "sqlite": ("DROP TRIGGER {table}_update", "DROP TRIGGER {table}_delete"),
}


def unwalled_tables(connection: Connection) -> list[str]:
    """Tables of workspaces without the wall; none on a database that is at the newest migration."""
    return [str(row[0]) for row in connection.execute(text(_UNWALLED), {"wall": WALL}).all()]


_UNWALLED = """
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = CAST(current_schema() AS regnamespace) AND NOT a.attisdropped
AND (a.attname = 'workspace_id' OR (c.relname = 'workspaces' AND a.attname = 'id'))
AND NOT (c.relrowsecurity AND c.relforcerowsecurity
         AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = :wall))
ORDER BY c.relname
"""


def bypasses_walls(connection: Connection) -> bool:
    """Whether the role of this connection is held by no row-level security at all."""
    query = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    return bool(connection.execute(text(query)).scalar())


def grant_to(connection: Connection, role: str) -> None:
    """The rights of the role that the product runs as: rows, but neither tables nor policies."""
    name = connection.dialect.identifier_preparer.quote(role)
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public TO {name}")
    connection.exec_driver_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}")
    if connection.execute(text("SELECT to_regclass('audit_events') IS NOT NULL")).scalar():
        connection.exec_driver_sql(f"REVOKE UPDATE, DELETE ON audit_events FROM {name}")
    connection.exec_driver_sql(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}")
