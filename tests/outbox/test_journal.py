"""What a killed worker knew is written by the next one on this machine, and by nobody else."""

from __future__ import annotations

import stat
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from mailsetup.core import db
from mailsetup.core.clock import utcnow
from mailsetup.mail_services.base import Refusal, SendResult
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import claim
from mailsetup.outbox.journal import Journal, folder_for, journals, orphan
from mailsetup.outbox.models import QUEUED, SENDING, SENT
from mailsetup.outbox.replay import replay
from mailsetup.settings import Settings
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
