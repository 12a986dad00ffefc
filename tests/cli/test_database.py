"""Migrations: they make what the code expects, twice is as good as once, and no row is lost on the way."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from mailsetup.cli import database
from mailsetup.core import db
from mailsetup.workspaces.models import User, Workspace
from tests import databases

pytestmark = pytest.mark.database
TOP = Path(__file__).parents[2]


@pytest.fixture
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables; the process is pointed at it."""
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    if databases.chosen() == "postgresql":
        url = request.getfixturevalue("cluster").create_database("migrated")
    db.configure(url)
    return url


@pytest.fixture
def own_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for migrations of this test, with our environment."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    for name in ("env.py", "script.py.mako"):
        shutil.copy(TOP / "migrations" / name, folder)
    monkeypatch.setattr(database, "TOP", tmp_path)
    return folder / "versions"


def run(*arguments):
    result = CliRunner().invoke(database.database, arguments)
    assert result.exception is None, result.output
    return result.output


def test_it_makes_every_table_and_has_nothing_left_to_do(empty_database):
    for _ in range(2):
        assert "newest migration" in run("upgrade")
    assert set(db.Base.metadata.tables) <= set(inspect(db.engine()).get_table_names())
    run("check")


def test_it_writes_migrations_that_do_not_need_our_code(empty_database, own_migrations):
    run("revision", "first tables")
    (made,) = own_migrations.glob("*.py")
    assert made.name == "0001_first_tables.py"
    assert "mailsetup" not in made.read_text()
    run("upgrade")
    run("check")


def test_it_says_when_the_code_is_ahead(empty_database, own_migrations):
    result = CliRunner().invoke(database.database, ["check"])
    assert result.exit_code == 1
    assert "New upgrade operations detected" in result.output


REBUILD = """
from alembic import op
import sqlalchemy as sa
revision, down_revision = "0002", "0001"
def upgrade():
    with op.batch_alter_table("workspaces", recreate="auto") as batch:
        batch.alter_column("name", type_=sa.String(300))
{extra}
"""


def _with_a_row(own_migrations, *, extra=""):
    run("revision", "first tables")
    run("upgrade")
    (own_migrations / "0002_rebuild.py").write_text(REBUILD.format(extra=extra))
    with Session(db.engine()) as session:
        workspace = Workspace(name="Northwind")
        session.add_all([workspace, User(email="a@b.example", name="A", password_hash="-")])
        session.flush()
        session.execute(
            text("INSERT INTO workspace_keys (workspace_id, wrapped, created_at) VALUES (:id, 'w', '2026-01-01')"),
            {"id": workspace.id.hex if databases.chosen() == "sqlite" else workspace.id},
        )
        session.commit()


def test_it_keeps_what_points_to_a_table_that_is_made_anew(empty_database, own_migrations):
    _with_a_row(own_migrations)
    run("upgrade")
    with db.engine().connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM workspace_keys")).scalar() == 1


def test_it_changes_nothing_when_a_migration_fails(empty_database, own_migrations):
    _with_a_row(own_migrations, extra="    op.drop_table('workspace_keys'); raise RuntimeError('half way')")
    with pytest.raises(RuntimeError, match="half way"):
        database.upgrade()
    with db.engine().connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM workspace_keys")).scalar() == 1
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0001"
