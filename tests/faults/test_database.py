"""Rows 18-22: the database goes away, is full, is busy, or forgets."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from mailsetup.core import db
from mailsetup.outbox import jobs, queue_mail
from mailsetup.outbox.drain import Drain
from mailsetup.outbox.models import SENT, Message
from mailsetup.workspaces.models import Workspace
from tests.api.conftest import Call
from tests.faults.database_proxy import Faulty
from tests.faults.upkeep import counts, fresh, leases_over
from tests.outbox.children import ended, forked
from tests.outbox.conftest import Queue, mail
from tests.outbox.smtp_server import Server

Send = Callable[[], None]
MAIL = {"to": "me@fabrikam.example", "subject": "Your invoice", "text": "Here it is.\n"}
README = Path(__file__).parents[2] / "README.md"


def test_row_18_the_answer_to_a_commit_is_lost(
    config: object, queue: Queue, smtp: Server, session: Session, database: Faulty
) -> None:
    rows = [queue() for _ in range(3)]
    smtp.hold.clear()
    child = forked(jobs.drain)
    assert smtp.got_mail.wait(10)
    database.swallow_commit()
    smtp.hold.set()
    assert ended(child) == 0
    ended(forked(jobs.drain))
    fresh(session)
    assert {row.status for row in rows} == {SENT}
    assert not any(row.possible_duplicate for row in rows)
    assert len(smtp.mails) == len(set(smtp.mails)) == 3


def test_row_19_the_database_is_down(call: Call, smtp: Server, session: Session, database: Faulty, send: Send) -> None:
    before = call("POST", "/messages", json=MAIL)
    database.take_away()
    refused = [call("POST", "/messages", json=MAIL) for _ in range(3)]
    jobs.drain()
    assert {answer.status_code for answer in refused} == {503}
    assert all(answer.headers["Retry-After"] for answer in refused)
    assert smtp.mails == []
    database.give_back()
    after = call("POST", "/messages", json=MAIL)
    known = {str(found) for found in session.scalars(select(Message.id))}
    assert known == {answer.json["id"] for answer in (before, after)}
    send()
    assert counts(session) == {SENT: 2}


@pytest.fixture
def full_disk(app: object, session: Session) -> Iterator[Callable[[bool], None]]:
    """Leaves no room for another row, or gives it back."""
    engine = db.engine()
    if engine.dialect.name == "sqlite":
        pages: list[int] = [2**30]
        limit = "PRAGMA max_page_count=%d"
        event.listen(engine, "connect", lambda connection, _: connection.execute(limit % pages[0]))

        def fill(full: bool) -> None:
            session.commit()
            # SQLite's own size limit gives the error of a disk without room.
            pages[0] = int(session.scalar(text("PRAGMA page_count")) or 0) if full else 2**30
            session.commit()
            engine.dispose()

        yield fill
        return
    yield lambda full: _refuse_rows(session, full)
    session.rollback()
    _refuse_rows(session, False)


def _refuse_rows(session: Session, full: bool) -> None:
    body = "BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END"
    session.execute(text(f"CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"))
    for table in ("messages", "message_bodies", "delivery_attempts"):
        session.execute(text(f"DROP TRIGGER IF EXISTS no_room ON {table}"))
        if full:
            session.execute(
                text(f"CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION no_room()")
            )
    session.commit()


def test_row_20_the_disk_is_full(
    call: Call, smtp: Server, session: Session, send: Send, full_disk: Callable[[bool], None]
) -> None:
    large = {**MAIL, "text": "x" * 200_000}
    first = call("POST", "/messages", json=MAIL)
    full_disk(True)
    refused = call("POST", "/messages", json=large)
    assert refused.status_code in {503, 507}
    with contextlib.suppress(OperationalError):
        Drain(2, slice_seconds=1).run()
    full_disk(False)
    second = call("POST", "/messages", json=large)
    leases_over(session)
    send()
    assert counts(session) == {SENT: 2}
    assert {str(found) for found in session.scalars(select(Message.id))} == {first.json["id"], second.json["id"]}
    assert len(smtp.mails) == 2


def test_row_21_eight_processes_write_at_once(
    config: object, workspace: Workspace, session: Session, tmp_path: Path
) -> None:
    def write(times: Path) -> None:
        took = []
        for _ in range(25):
            began = time.monotonic()
            with db.session_scope() as own:
                queue_mail(own, own.get_one(Workspace, workspace.id), mail())
            took.append(time.monotonic() - began)
        times.write_text(json.dumps(took))

    def round_of(writers: int) -> tuple[float, float]:
        """The slowest in a hundred, and a fair share: how long the round took for each mail of one process."""
        paths, began = [tmp_path / f"{writers}-{number}" for number in range(writers)], time.monotonic()
        children = [forked(partial(write, path)) for path in paths]
        assert {ended(child) for child in children} == {0}
        took = sorted(second for path in paths for second in json.loads(path.read_text()))
        return float(took[int(len(took) * 0.99)]), (time.monotonic() - began) / 25

    # In a fair line one waits a few turns, starving the whole round. A busy machine makes both longer.
    slowest, share = round_of(8)
    assert session.scalar(select(func.count()).select_from(Message)) == 8 * 25
    assert slowest < max(1.0, 12 * share), f"the slowest in a hundred took {slowest:.2f} s, a fair share {share:.3f} s"


def test_row_22_a_database_that_acknowledges_early_is_named(settings: object, session: Session) -> None:
    assert "not synchronous" in " ".join(README.read_text().replace(">", " ").split())
    if db.engine().dialect.name == "sqlite":
        assert session.scalar(text("PRAGMA synchronous")) is not None
        with db.session_scope() as own:
            assert own.scalar(text("PRAGMA synchronous")) == 2
        assert db.doubt_about_commits() == ""
    else:
        # The test cluster commits asynchronously, as a careless operator's might.
        assert "synchronous_commit" in db.doubt_about_commits()
