"""Row-level security on PostgreSQL: whoever works for one workspace sees no row of another, whatever they ask for."""

from __future__ import annotations

import uuid
from datetime import date
from email.message import EmailMessage
from itertools import product
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Column, Connection, create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from mailsetup.api.keys import create_key
from mailsetup.core import db, raw_sql, walls
from mailsetup.core.clock import utcnow
from mailsetup.core.db import Base
from mailsetup.core.errors import SettingsError
from mailsetup.outbox import queue_mail
from mailsetup.outbox.models import Message
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import require
from mailsetup.workspaces.models import MEMBER
from tests import databases, factories
from tests.people import Person
from tests.postgresql_server import OWNER
from tests.walls import OBJECTS

pytestmark = pytest.mark.skipif(databases.chosen() != "postgresql", reason="SQLite has no row-level security")
COLUMNS = {
    name: "id" if name == "workspaces" else "workspace_id"
    for name, table in Base.metadata.tables.items()
    if name == "workspaces" or "workspace_id" in table.c
}

# As PostgreSQL says the policy back.
SCOPE = "current_setting('mailsetup.workspace'::text, true)"
INSIDE = f"(({SCOPE} = '*'::text) OR ({SCOPE} = ({{column}})::text))"


@pytest.fixture
def peeking(app: Flask) -> FlaskClient:
    """A page that counts the rows of every table by raw SQL, each by the workspace it belongs to."""

    @app.get("/peek")
    @require(MEMBER)
    def peek() -> dict[str, list[str]]:
        return {name: owners_of(db_session(), name) for name in COLUMNS}

    return app.test_client()


def owners_of(session: Session | Connection, table: str) -> list[str]:
    query = text(f"SELECT DISTINCT {COLUMNS[table]}::text FROM {table}")
    return sorted(str(row[0]) for row in session.execute(query))


@pytest.fixture
def furnished(session: Session, alice: Person, charlie: Person) -> None:
    """One of everything in both workspaces, and a row in every table of theirs that is still empty."""
    for person in (alice, charlie):
        for make in OBJECTS.values():
            make(session, person)
    session.commit()
    engine = create_engine(make_url(str(session.connection().engine.url)).set(username=OWNER))
    with engine.begin() as connection:
        # What a row refers to does not matter here, whose it is does.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for name, person in product(COLUMNS, (alice, charlie)):
            if str(person.workspace.id) not in owners_of(connection, name):
                connection.execute(Base.metadata.tables[name].insert().values(invented(name, person.workspace.id)))
    engine.dispose()
    empty = {name for name in COLUMNS if len(owners_of(session, name)) < 2}
    assert empty == set()
    session.commit()


def invented(name: str, workspace_id: uuid.UUID) -> dict[str, Any]:
    """Values for the columns of a table that want one."""
    now, word = utcnow(), uuid.uuid4().hex[:8]
    values: dict[type, Any] = {uuid.UUID: uuid.uuid4(), object: now, date: now.date(), dict: {}, list: [], str: word}
    columns = Base.metadata.tables[name].columns
    wanting = [column for column in columns if not (column.nullable or column.default or column.server_default)]
    found = {
        column.name: values[kind] if kind in values else kind() for column in wanting for kind in [kind_of(column)]
    }
    return {**found, "workspace_id": workspace_id}


def kind_of(column: Column[Any]) -> type:
    try:
        return column.type.python_type
    except NotImplementedError:
        return str


def test_every_table_of_a_workspace_has_the_wall(session):
    assert raw_sql.unwalled_tables(session.connection()) == []
    assert {"messages", "credentials", "audit_events", "workspaces"} <= set(COLUMNS)


def test_every_wall_is_the_same_and_the_only_one(session):
    """A second policy would be another way in, and so would one that lets everything through."""
    query = "SELECT tablename, policyname, cmd, permissive, qual, with_check, roles::text FROM pg_policies"
    found = {row[0]: tuple(row[1:]) for row in session.execute(text(query))}
    assert session.scalar(text("SELECT count(*) FROM pg_policies")) == len(found) == len(COLUMNS)
    for name, (policy, command, permissive, seen, written, roles) in found.items():
        assert (policy, command, permissive, roles) == ("workspace_wall", "ALL", "PERMISSIVE", "{public}"), name
        assert seen == written == INSIDE.format(column=COLUMNS[name]), name


@pytest.mark.usefixtures("furnished", "peeking")
def test_raw_sql_in_a_request_sees_its_own_workspace_alone(alice, charlie):
    for person in (alice, charlie):
        seen = person.client.get("/peek").get_json()
        own = str(person.workspace.id)
        assert {name: owners for name, owners in seen.items() if set(owners) - {own}} == {}
        assert seen["credentials"] == seen["messages"] == seen["members"] == [own]


@pytest.mark.usefixtures("furnished")
def test_work_for_one_workspace_sees_no_other(alice):
    with walls.only(alice.workspace.id), db.session_scope() as session:
        assert {name: owners_of(session, name) for name in COLUMNS} == {
            name: [str(alice.workspace.id)] if owners_of(session, name) else [] for name in COLUMNS
        }
    with walls.only(uuid.uuid4()), db.session_scope() as session:
        assert {name: owners_of(session, name) for name in COLUMNS} == {name: [] for name in COLUMNS}


@pytest.mark.usefixtures("furnished")
def test_a_connection_that_says_nothing_sees_nothing(settings):
    engine = create_engine(settings.database_url)
    with engine.connect() as connection:
        for name in COLUMNS:
            assert connection.execute(text(f"SELECT count(*) FROM {name}")).scalar() == 0, name
    engine.dispose()


def test_a_row_cannot_be_written_into_another_workspace(session, alice, charlie):
    wanted = {"workspace": charlie.workspace.id, "id": alice.workspace.id}
    with (
        walls.only(alice.workspace.id),
        pytest.raises(ProgrammingError, match="row-level security"),
        db.session_scope() as own,
    ):
        own.execute(text("UPDATE members SET workspace_id = :workspace WHERE workspace_id = :id"), wanted)


def test_what_one_transaction_may_see_the_next_on_its_connection_may_not(settings, alice):
    engine = db.make_engine(settings.database_url, pool_size=1)
    for wanted in (1, 0):
        with walls.only(alice.workspace.id if wanted else uuid.uuid4()), engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM workspaces")).scalar() == wanted
    engine.dispose()


def test_a_program_with_a_key_is_let_into_its_workspace(session, alice, charlie):
    config = factories.make_config(session, charlie.workspace)
    _, secret = create_key(session, workspace_id=alice.workspace.id, actor=alice.actor, name="Walls", scopes=["read"])
    headers = {"Authorization": f"Bearer {secret.reveal()}"}
    answer = alice.client.get("/api/v1/outbound", headers=headers)
    assert answer.status_code == 200
    assert str(config.id) not in answer.get_data(as_text=True)


def test_a_products_own_engine_may_queue_mail(settings, session, alice):
    engine = create_engine(settings.database_url)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ar@northwind.example", "me@fabrikam.example", "Hello"
    message.set_content("Hello")
    with Session(engine) as theirs, theirs.begin():
        queued = queue_mail(theirs, alice.workspace, message).id
    engine.dispose()
    assert session.get(Message, queued) is not None


def test_it_does_not_start_as_a_role_that_no_wall_holds(settings):
    engine = create_engine(make_url(settings.database_url).set(username=OWNER))
    with pytest.raises(SettingsError, match="superuser"):
        walls.refuse_weak_walls(engine)
    walls.refuse_weak_walls(db.engine())


def test_it_does_not_start_with_a_table_outside_the_wall(session, settings):
    session.execute(text("ALTER TABLE credentials NO FORCE ROW LEVEL SECURITY"))
    session.commit()
    try:
        with pytest.raises(SettingsError, match="credentials"):
            walls.refuse_weak_walls(db.engine())
    finally:
        raw_sql.raise_walls(session.connection())
        session.commit()
    walls.refuse_weak_walls(db.engine())
