"""The database under test: SQLite by default, PostgreSQL with MAILSETUP_TEST_DATABASE=postgresql.

Tables are made once for each test process; every test that asks for `database_url` gets them empty.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from psycopg import sql

from mailsetup.core import db
from tests.postgresql_server import Cluster, programs

MIGRATIONS = Path(__file__).parents[1] / "migrations"
CHOICES = ("sqlite", "postgresql")


def chosen() -> str:
    """Which database this run of the suite is about."""
    name = os.environ.get("MAILSETUP_TEST_DATABASE", "sqlite")
    if name not in CHOICES:
        raise pytest.UsageError(f"MAILSETUP_TEST_DATABASE is {name}; it must be sqlite or postgresql.")
    return name


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On the second database only what has to do with a database runs again: not protocol code, nor how pages look."""
    if chosen() == CHOICES[0]:
        return
    again = [item for item in items if _uses_database(item) and item.get_closest_marker("looks") is None]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(again)])
    items[:] = again


def _uses_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("database") is not None:
        return True
    return not {"database_url", "cluster", "product"}.isdisjoint(getattr(item, "fixturenames", ()))


def missing(what: str) -> None:
    """Skips the test for want of a program; under CI nothing may be wanting, so there it fails."""
    sentence = f"{what} is missing; `make test` installs it where it may"
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)


def create_tables(url: str) -> None:
    """All tables in an empty database, by the migrations as in production."""
    db.load_models()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes.update(url=url, metadata=db.Base.metadata)
    if any((MIGRATIONS / "versions").glob("*.py")):
        command.upgrade(config, "head")
    else:
        engine = db.make_engine(url)
        db.Base.metadata.create_all(engine)
        engine.dispose()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running PostgreSQL of this test process, whatever the suite runs on."""
    folder = programs()
    if folder is None:
        missing("PostgreSQL")
    assert folder is not None
    server = Cluster(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def fresh_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], str]:
    """Gives an empty database with all tables; asks for a folder the SQLite file may live in."""
    if chosen() == "postgresql":
        return _postgresql(request.getfixturevalue("cluster"))
    return _sqlite(tmp_path_factory.mktemp("database"))


@pytest.fixture
def database_url(fresh_database: Callable[[Path], str], tmp_path: Path) -> str:
    """The URL of a database that has every table and no row."""
    return fresh_database(tmp_path)


def _sqlite(folder: Path) -> Callable[[Path], str]:
    template = folder / "template.db"
    create_tables(f"sqlite:///{template}")

    def fresh(target: Path) -> str:
        shutil.copyfile(template, target / "test.db")
        return f"sqlite:///{target / 'test.db'}"

    return fresh


def _postgresql(cluster: Cluster) -> Callable[[Path], str]:
    name = f"test_{os.getpid()}"
    url = cluster.create_database(name)
    create_tables(url)
    admin = cluster.admin(name)
    tables = [str(row[0]) for row in admin.execute(_TABLES)]
    for name in tables:
        # Rows stay in the order of their making as long as nothing frees the place of deleted ones.
        admin.execute(sql.SQL("ALTER TABLE {} SET (autovacuum_enabled = false)").format(sql.Identifier(name)))

    def fresh(_target: Path) -> str:
        empty(admin, tables)
        return url

    return fresh


_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
_COUNTERS = """SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"""
# What a few deleted rows leave behind costs nothing; new files for a table and its indexes cost 30 ms.
_LARGE_BYTES = 256 * 1024


def empty(admin: psycopg.Connection[tuple[object, ...]], tables: list[str]) -> None:
    """Empties the tables that have rows. A transaction left open by an earlier test ends here, named."""
    filled = [str(row[0]) for row in admin.execute(_filled(tables))]
    if not filled:
        return
    names = sql.SQL(", ").join(map(sql.Identifier, filled))
    with admin.transaction():
        admin.execute("SET LOCAL lock_timeout = '10s'")
        admin.execute("SET LOCAL session_replication_role = replica")  # neither triggers nor foreign keys
        admin.execute(sql.SQL("LOCK TABLE {}").format(names))
        for name, size in zip(filled, admin.execute(_sizes(filled)).fetchone() or (), strict=True):
            statement = "TRUNCATE {} CASCADE" if int(str(size)) > _LARGE_BYTES else "DELETE FROM {}"
            admin.execute(sql.SQL(statement).format(sql.Identifier(name)))
        admin.execute(_COUNTERS)


def _filled(tables: list[str]) -> sql.Composed:
    one = "SELECT {} WHERE EXISTS (SELECT FROM {})"
    asked = [sql.SQL(one).format(sql.Literal(name), sql.Identifier(name)) for name in tables]
    return sql.SQL(" UNION ALL ").join(asked)


def _sizes(tables: list[str]) -> sql.Composed:
    asked = [sql.SQL("pg_table_size({})").format(sql.Literal(f'"{name}"')) for name in tables]
    return sql.SQL("SELECT {}").format(sql.SQL(", ").join(asked))
