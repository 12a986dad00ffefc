import threading
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, SQLAlchemyError, StatementError
from time_machine import TimeMachineFixture

from mailsetup.core import db, leases
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import NotFound
from mailsetup.core.ids import new_id
from mailsetup.workspaces.models import AuditEvent, Workspace
from tests import databases


@pytest.fixture(autouse=True)
def configured(database_url: str) -> None:
    db.configure(database_url)


def test_it_keeps_times_aware_and_in_utc() -> None:
    local = datetime(2026, 11, 21, 15, 5, tzinfo=timezone(timedelta(hours=-5)))
    with db.session_scope() as session:
        session.add(row := Workspace(name="w", created_at=local))
    with db.session_scope() as session:
        stored = session.get_one(Workspace, row.id).created_at
    assert stored == local
    assert stored.tzinfo == UTC


def test_it_refuses_a_naive_time() -> None:
    naive = utcnow().replace(tzinfo=None)
    with pytest.raises(StatementError), db.session_scope() as session:
        session.add(Workspace(name="w", created_at=naive))


def test_it_rolls_back_when_an_exception_leaves() -> None:
    row_id = new_id()
    with pytest.raises(RuntimeError), db.session_scope() as session:
        session.add(Workspace(id=row_id, name="w"))
        session.flush()
        raise RuntimeError
    with db.session_scope() as session:
        assert session.get(Workspace, row_id) is None


def test_it_finds_a_row_only_in_its_own_workspace() -> None:
    with db.session_scope() as session:
        ours, theirs = Workspace(name="a"), Workspace(name="b")
        session.add_all([ours, theirs])
        session.flush()
        event = AuditEvent(workspace_id=ours.id, actor_label="a", action="x:y", subject="s")
        session.add(event)
        session.flush()
        assert db.fetch_owned(session, AuditEvent, ours.id, event.id) is event
        for workspace_id, row_id in ((theirs.id, event.id), (ours.id, uuid.uuid4())):
            with pytest.raises(NotFound):
                db.fetch_owned(session, AuditEvent, workspace_id, row_id)


def test_it_loses_no_update_when_many_read_then_write() -> None:
    with db.session_scope() as session:
        session.add(row := Workspace(name="0"))

    def add_one() -> None:
        for _ in range(10):
            with db.session_scope() as session:
                locked = session.get_one(Workspace, row.id, with_for_update=True)
                locked.name = str(int(locked.name) + 1)

    threads = [threading.Thread(target=add_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.session_scope() as session:
        assert session.get_one(Workspace, row.id).name == "40"


def test_it_makes_ids_that_grow_with_time_also_within_a_millisecond() -> None:
    ids = [new_id() for _ in range(1000)]
    assert {(value.version, value.variant) for value in ids} == {(7, uuid.RFC_4122)}
    assert sorted(ids) == ids
    assert len(set(ids)) == 1000
    assert abs((ids[0].int >> 80) / 1000 - utcnow().timestamp()) < 60


def test_it_gives_a_lease_to_one_holder_until_it_ends(time_machine: TimeMachineFixture) -> None:
    """Also when all of it happens within a tick of a coarse clock."""
    time_machine.move_to(utcnow(), tick=False)
    first, second = leases.new_holder(), leases.new_holder()
    with db.session_scope() as session:
        assert leases.hold(session, "x", first, 60)
        assert leases.hold(session, "x", first, 60)
        assert not leases.hold(session, "x", second, 60)
        leases.release(session, "x", second)
        assert not leases.hold(session, "x", second, 60)
        leases.release(session, "x", first)
    with db.session_scope() as session:
        session.execute(text("SELECT 1"))
        assert leases.hold(session, "x", second, 60)


def test_it_keeps_values_out_of_the_errors_of_the_database(database_url: str) -> None:
    """An error is logged and kept in Redis; what was to be stored must not travel with it."""
    engine = db.make_engine(database_url)
    with pytest.raises(SQLAlchemyError) as failed, engine.begin() as connection:
        connection.execute(text("SELECT :kept FROM there_is_no_such_table"), {"kept": "quiet-harbour-47"})
    engine.dispose()
    assert "quiet-harbour-47" not in str(failed.value)


@pytest.mark.skipif(databases.chosen() != "postgresql", reason="SQLite ends nobody's connection")
def test_it_tells_in_the_usual_words_that_the_server_is_gone() -> None:
    """Whoever waits for the database to come back waits for SQLAlchemy's errors."""
    connection = db.engine().connect()
    with db.engine().begin() as other:
        pid = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    with pytest.raises(OperationalError) as gone:
        connection.begin()
    assert gone.value.connection_invalidated
    connection.close()
    with db.engine().begin() as fresh:
        assert fresh.scalar(text("SELECT 1")) == 1


@pytest.mark.skipif(databases.chosen() != "postgresql", reason="SQLite ends nobody's connection")
@pytest.mark.parametrize("rested", [0.0, 2 * db.RESTED_SECONDS])
def test_it_connects_anew_when_the_server_ended_a_connection(monkeypatch: pytest.MonkeyPatch, rested: float) -> None:
    with db.session_scope() as session:
        first = session.scalar(text("SELECT pg_backend_pid()"))
    other = db.make_engine(db.engine().url.render_as_string(hide_password=False))
    with other.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})
    other.dispose()
    monkeypatch.setattr(db, "RESTED_SECONDS", db.RESTED_SECONDS - rested)
    with db.session_scope() as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) != first
