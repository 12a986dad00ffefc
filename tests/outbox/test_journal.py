"""What a killed worker knew is written by the next one on this machine, and by nobody else."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from mailsetup.core import db, stopping
from mailsetup.core.clock import utcnow
from mailsetup.mail_services.base import Refusal, SendResult
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import claim
from mailsetup.outbox.deliver import Lane
from mailsetup.outbox.drain import Drain
from mailsetup.outbox.journal import Journal, folder_for, journals, orphan
from mailsetup.outbox.models import QUEUED, SENDING, SENT
from mailsetup.outbox.replay import replay
from mailsetup.outbox.tries import Done
from mailsetup.settings import Settings
from tests.faults.upkeep import counts
from tests.outbox.conftest import Queue
from tests.outbox.smtp_server import Server

Send = Callable[[], None]
RESULT = SendResult("A1", "250 ok", (Refusal("b@fabrikam.example", "550", "no", True),))


@pytest.fixture
def folder(settings: Settings) -> Path:
    return folder_for(settings)


def left_by_the_dead(journal: Journal) -> None:
    """Lets go of the file as the kernel does for a process that was killed."""
    journal._open_entries = True
    journal.close()


def begun(config: OutboundConfig) -> list[claim.Claimed]:
    with db.session_scope() as own:
        rows = claim.claim(own, config.id, utcnow()).mails
        assert claim.begin_sending(own, rows, utcnow()) == rows
    return rows


def test_it_reads_back_what_was_noted(tmp_path: Path) -> None:
    journal, ids = Journal(tmp_path / "journal"), [uuid.uuid4() for _ in range(3)]
    journal.start("token-1")
    for one in ids:
        journal.begun(one)
    journal.accepted(ids[0], RESULT)
    journal.refused(ids[1])
    left_by_the_dead(journal)
    path = journals(tmp_path / "journal")[0]
    path.write_bytes(path.read_bytes() + b'{"accepted": "tor')
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with orphan(path) as found:
        assert found is not None
        assert (found.token, found.begun) == ("token-1", set(ids))
        assert (found.accepted, found.refused) == ({ids[0]: RESULT}, {ids[1]})


def test_it_leaves_the_journal_of_a_living_worker_alone(tmp_path: Path, config: OutboundConfig) -> None:
    journal = Journal(tmp_path)
    journal.start("token-1")
    journal.accepted(uuid.uuid4(), RESULT)
    assert replay(tmp_path, utcnow()) == 0
    assert len(journals(tmp_path)) == 1


def test_it_settles_each_mail_as_far_as_it_is_known(
    config: OutboundConfig, queue: Queue, folder: Path, session: Session
) -> None:
    queued = [queue() for _ in range(4)]
    accepted, refused, on_the_wire, untouched = rows = begun(config)
    journal = Journal(folder)
    journal.start(rows[0].token)
    for one in rows[:3]:
        journal.begun(one.id)
    journal.accepted(accepted.id, SendResult("A1", "250 ok"))
    journal.refused(refused.id)
    left_by_the_dead(journal)
    assert replay(folder, utcnow()) == 1
    session.expire_all()
    found = {row.id: (row.status, row.attempt_count, len(row.attempts)) for row in queued}
    assert found[accepted.id] == (SENT, 1, 1)
    assert found[refused.id] == found[untouched.id] == (QUEUED, 0, 0)
    assert found[on_the_wire.id] == (SENDING, 1, 1)
    assert journals(folder) == []


def test_it_changes_nothing_for_a_lease_that_was_lost(
    config: OutboundConfig, queue: Queue, folder: Path, session: Session
) -> None:
    row = queue()
    message = begun(config)[0]
    journal = Journal(folder)
    journal.start("somebody else's")
    journal.accepted(message.id, SendResult("A1", "250 ok"))
    left_by_the_dead(journal)
    assert replay(folder, utcnow()) == 0
    session.expire_all()
    assert row.status == SENDING


def test_it_leaves_no_file_when_all_is_known(
    config: OutboundConfig, queue: Queue, send: Send, smtp: Server, folder: Path
) -> None:
    smtp.answers["RCPT"] = ["550 5.1.1 no such user"]
    for _ in range(5):
        queue()
    send()
    assert len(smtp.mails) == 4
    assert journals(folder) == []


def test_it_keeps_the_journals_of_two_databases_apart(settings: Settings) -> None:
    other = Settings(**{**settings.__dict__, "database_url": "postgresql+psycopg://app:one@db/other"})
    again = Settings(**{**settings.__dict__, "database_url": "postgresql+psycopg://app:two@db/other"})
    assert folder_for(settings) != folder_for(other)
    assert folder_for(other) == folder_for(again)


def test_a_full_disk_holds_mail_back_and_ends_none(
    config: OutboundConfig, queue: Queue, send: Send, smtp: Server, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [queue() for _ in range(3)]
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "_write", _full)
        Drain(2, slice_seconds=0.2).run()
    session.expire_all()
    assert [(row.status, row.attempt_count, row.lease_token) for row in rows] == [(QUEUED, 0, None)] * 3
    send()
    assert [row.status for row in rows] == [SENT] * 3
    assert len(smtp.mails) == 3


def test_a_disk_that_fills_up_meanwhile_loses_no_answer(
    config: OutboundConfig, queue: Queue, send: Send, smtp: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [queue() for _ in range(3)]
    with monkeypatch.context() as patched:
        fills_up(patched, after=3)
        Drain(2, slice_seconds=0.2).run()
    send()
    assert [(row.status, row.possible_duplicate) for row in rows] == [(SENT, False)] * 3
    assert len(smtp.mails) == 3


def fills_up(monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """So many entries fit, of the next one only a part."""
    write, entries = os.write, [0]

    def written(file: int, content: bytes) -> int:
        entries[0] += 1
        return write(file, content if entries[0] <= after else content[:5] if entries[0] == after + 1 else _full())

    monkeypatch.setattr("mailsetup.outbox.journal.os.write", written)


def _full(*_: object) -> bytes:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_half_an_entry_takes_no_other_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, ids = Journal(tmp_path), [uuid.uuid4() for _ in range(2)]
    journal.start("token-1")
    with monkeypatch.context() as patched, pytest.raises(OSError, match="journal"):
        fills_up(patched, after=0)
        journal.begun(ids[0])
    journal.begun(ids[1])
    left_by_the_dead(journal)
    with orphan(journals(tmp_path)[0]) as found:
        assert found is not None
        assert found.begun == {ids[1]}


def test_nobody_reads_a_journal_before_its_owner_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = fcntl.flock

    def late(*given: int) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(fcntl, "flock", hold)
            replay(tmp_path, utcnow())
        hold(*given)

    journal = Journal(tmp_path)
    monkeypatch.setattr(fcntl, "flock", late)
    journal.start("token-1")
    assert len(journals(tmp_path)) == 1


def test_what_a_lane_could_not_give_back_stands_in_the_journal(
    config: OutboundConfig, queue: Queue, send: Send, folder: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [queue() for _ in range(3)]
    with monkeypatch.context() as patched:
        patched.setattr(Lane, "_send_group", _stops)
        patched.setattr(Lane, "release", _away)
        send()
    assert (counts(session), len(journals(folder))) == ({SENDING: 3}, 1)
    send()
    assert [(row.status, row.attempt_count, row.possible_duplicate) for row in rows] == [(SENT, 1, False)] * 3


def _stops(_: Lane) -> list[Done]:
    stopping.request()
    return []


def _away(*_: object) -> None:
    raise OperationalError("", {}, Exception("away"))


def test_a_journal_that_cannot_be_replayed_stops_no_mail(
    config: OutboundConfig, queue: Queue, send: Send, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, journal = queue(), Journal(folder)
    journal.start("token-1")
    left_by_the_dead(journal)
    monkeypatch.setattr("mailsetup.outbox.replay._held", lambda *_: "\ud800".encode())
    send()
    assert row.status == SENT
    assert len(journals(folder)) == 1
