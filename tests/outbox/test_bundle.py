"""Few mails of many setups go together; what one of them meets on its way is its own affair."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from mailsetup.core import stopping, walls
from mailsetup.core.clock import utcnow
from mailsetup.outbound.connect import connect_config
from mailsetup.outbound.models import DEGRADED, HEALTHY, PAUSED, CredentialBinding, MailHost, OutboundConfig
from mailsetup.outbox import bodies, bundle_start, queue_mail, tries
from mailsetup.outbox.bundle import Bundle
from mailsetup.outbox.deliver import Lane
from mailsetup.outbox.drain import Drain
from mailsetup.outbox.journal import Journal, folder_for, journals
from mailsetup.outbox.models import CLAIMED, FAILED, QUEUED, SENDING, SENT, Message
from mailsetup.outbox.ready import FEW, ready_setups
from mailsetup.outbox.tries import Done
from mailsetup.settings import Settings
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.faults.upkeep import counts, due_now, leases_over
from tests.outbox import smtp_server
from tests.outbox.children import crash, dies, drain, ended, forked
from tests.outbox.conftest import mail, setup_settings
from tests.outbox.smtp_server import Server
from tests.processes import until

Send = Callable[[], None]
Many = Callable[..., list[Message]]


@pytest.fixture
def many(session: Session, smtp: Server) -> Many:
    """So many workspaces, each with a setup and a mail."""

    def made(number: int = 6, *, server: Server = smtp) -> list[Message]:
        rows = []
        for _ in range(number):
            workspace = factories.make_workspace(session)
            factories.make_config(session, workspace, settings=setup_settings(server))
            rows.append(queue_mail(session, workspace, mail()))
        session.commit()
        return rows

    return made


def config_of(session: Session, row: Message) -> OutboundConfig:
    return session.get_one(OutboundConfig, row.config_id)


def another(session: Session, row: Message) -> Message:
    """One more mail of the same setup."""
    queued = queue_mail(session, session.get_one(Workspace, row.workspace_id), mail())
    session.commit()
    return queued


def taken(session: Session) -> Bundle:
    """A bundle of everything that is due, begun and not sent yet."""
    session.commit()
    bundle = Bundle(ready_setups(session, utcnow(), after=None)[0], Drain(2))
    session.commit()
    bundle._take()
    return bundle


def work(bundle: Bundle, session: Session) -> None:
    bundle._lanes += 1
    bundle._work()
    session.expire_all()


def one_lane_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is: another lane could be sending at the moment of a kill, and a group ends by time."""
    monkeypatch.setattr("mailsetup.outbox.bundle.SLOW_SECONDS", 60.0)
    monkeypatch.setattr("mailsetup.outbox.bundle.GROUP_SECONDS", 60.0)


def states(rows: list[Message]) -> list[tuple[str, int]]:
    return [(row.status, row.attempt_count) for row in rows]


def test_it_sends_the_few_mails_of_many_setups_together(
    many: Many, send: Send, smtp: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes: list[Lane] = []
    monkeypatch.setattr(Lane, "run", lanes.append)
    rows = many(8)
    send()
    assert states(rows) == [(SENT, 1)] * 8
    assert [[attempt.outcome for attempt in row.attempts] for row in rows] == [["sent"]] * 8
    assert (len(set(smtp.mails)), smtp.connections, lanes) == (8, 8, [])
    assert journals(folder_for(settings)) == []


def test_a_setup_with_more_than_a_few_has_a_lane_of_its_own(many: Many, session: Session) -> None:
    rows = many(2)
    for _ in range(FEW):
        another(session, rows[0])
    found = {setup.config_id: setup.few for setup in ready_setups(session, utcnow(), after=None)[0]}
    assert found == {rows[0].config_id: False, rows[1].config_id: True}


def test_it_knows_after_a_kill_which_mails_were_accepted(
    many: Many, send: Send, smtp: Server, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_lane_alone(monkeypatch)
    rows, noted = many(6), []
    accepted = Journal.accepted

    def third_dies(*arguments: object) -> None:
        accepted(*arguments)  # type: ignore[arg-type]
        noted.append(1)
        if len(noted) == 3:
            dies(None)

    crash(monkeypatch, Journal, "accepted", third_dies)
    assert (len(smtp.mails), counts(session)) == (3, {SENDING: 6})
    send()
    assert states(rows) == [(SENT, 1)] * 6
    assert len(set(smtp.mails)) == len(smtp.mails) == 6
    assert not any(row.possible_duplicate for row in rows)


def test_a_kill_leaves_one_mail_of_a_bundle_in_doubt(
    many: Many, send: Send, smtp: Server, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_lane_alone(monkeypatch)
    rows = many(5)
    crash(monkeypatch, Journal, "accepted", dies)
    send()
    assert counts(session) == {SENDING: 1, SENT: 4}
    leases_over(session)
    due_now(session)
    send()
    assert {row.status for row in rows} == {SENT}
    assert sum(row.possible_duplicate for row in rows) == 1
    assert (len(smtp.mails), len(set(smtp.mails))) == (6, 5)


def test_a_mail_that_kills_its_worker_is_found_and_goes_alone(
    many: Many, send: Send, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = many(4)
    opened, fatal = bodies.opened, rows[2].id
    with monkeypatch.context() as patched:
        patched.setattr(bodies, "opened", lambda s, w, i, b: dies(None) if i == fatal else opened(s, w, i, b))
        ended(forked(drain))
        assert counts(session) == {CLAIMED: 4}
        leases_over(session)
    assert [row.crash_count for row in rows] == [1] * 4
    due_now(session)
    send()
    assert {row.status for row in rows} == {SENT}


def test_it_writes_nothing_after_its_lease_was_lost(many: Many, session: Session) -> None:
    rows = many(3)
    bundle = taken(session)
    session.execute(update(Message).where(Message.id == rows[1].id).values(lease_token="somebody else's"))
    session.commit()
    work(bundle, session)
    assert [row.status for row in rows] == [SENT, SENDING, SENT]
    assert rows[1].lease_token == "somebody else's"


def test_it_gives_back_what_waited_long_and_may_not_be_sent_any_more(
    many: Many, smtp: Server, session: Session
) -> None:
    rows = many(4)
    bundle = taken(session)
    config_of(session, rows[0]).health = PAUSED
    session.execute(update(Message).where(Message.id == rows[1].id).values(lease_token="somebody else's"))
    session.commit()
    bundle._looked = float("-inf")
    work(bundle, session)
    assert states(rows) == [(QUEUED, 0), (SENDING, 1), (SENT, 1), (SENT, 1)]
    assert (rows[0].attempts, len(smtp.mails)) == ([], 2)


def test_a_stopped_setup_is_no_part_of_it(many: Many, send: Send, smtp: Server, session: Session) -> None:
    rows = many(4)
    setups = ready_setups(session, utcnow(), after=None)[0]
    config_of(session, rows[3]).health = PAUSED
    session.commit()
    bundle = Bundle(setups, Drain(2))
    bundle.run()
    session.expire_all()
    assert states(rows) == [(SENT, 1)] * 3 + [(QUEUED, 0)]
    assert bundle.alone == {rows[3].config_id}


def test_a_mailbox_with_a_limit_keeps_it(many: Many, send: Send, smtp: Server, session: Session) -> None:
    rows = many(4)
    config_of(session, rows[0]).limit_per_minute = 1
    second = another(session, rows[0])
    send()
    assert sorted(row.status for row in (rows[0], second)) == [QUEUED, SENT]
    assert [row.status for row in rows[1:]] == [SENT] * 3


def test_a_failure_is_its_setups_alone(many: Many, session: Session, smtp: Server) -> None:
    with smtp_server.running() as broken:
        rows = many(1, server=broken) + many(2)
        second = another(session, rows[0])
        broken.answers["EHLO"] = ["421 4.3.2 busy"] * 5
        work(taken(session), session)
    assert config_of(session, rows[0]).health == DEGRADED
    assert states([rows[0], second, *rows[1:]]) == [(QUEUED, 1), (QUEUED, 0), (SENT, 1), (SENT, 1)]
    assert rows[0].attempts[0].explanation
    assert second.attempts == []


def test_an_accepted_mail_heals_its_setup(many: Many, send: Send, session: Session) -> None:
    rows = many(3)
    config_of(session, rows[1]).health = DEGRADED
    config_of(session, rows[1]).failures_in_row = 2
    send()
    assert (config_of(session, rows[1]).health, config_of(session, rows[1]).failures_in_row) == (HEALTHY, 0)


def test_it_asks_a_server_that_is_away_once(many: Many, session: Session, smtp: Server) -> None:
    rows = many(5)
    with smtp_server.running() as gone:
        away = setup_settings(gone)
    session.execute(
        update(OutboundConfig)
        .where(OutboundConfig.id.in_([row.config_id for row in rows[:4]]))
        .values(settings=away, host_key="away")
    )
    work(taken(session), session)
    assert sorted(states(rows)) == [(QUEUED, 0)] * 3 + [(QUEUED, 1), (SENT, 1)]
    assert session.scalar(select(func.count()).select_from(MailHost)) == 1


@contextmanager
def drained() -> Iterator[None]:
    """A worker empties the outbox meanwhile."""
    stopping._asked.clear()
    thread = threading.Thread(target=Drain(4, slice_seconds=10).run)
    thread.start()
    yield
    thread.join()


def test_a_slow_server_holds_up_nobody_else(many: Many, session: Session, smtp: Server) -> None:
    with smtp_server.slow() as slow:
        rows = [*many(1, server=slow), *many(5)]
        with drained():
            until(lambda: counts(session) == {SENT: 5, SENDING: 1})
            session.commit()
            slow.hold.set()
    session.expire_all()
    assert states(rows) == [(SENT, 1)] * 6


def test_a_setup_that_nobody_can_read_stops_no_other(
    many: Many, send: Send, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = many(4)
    odd = rows[1].config_id

    def connected(session: Session, config: OutboundConfig) -> object:
        if config.id == odd:
            raise KeyError("host")
        return connect_config(session, config)

    monkeypatch.setattr(bundle_start, "connect_config", connected)
    send()
    assert states(rows) == [(SENT, 1)] * 4


def test_it_gives_back_what_it_has_not_sent_when_the_worker_stops(many: Many, session: Session, smtp: Server) -> None:
    rows = many(4)
    bundle = taken(session)
    stopping._asked.set()
    try:
        work(bundle, session)
    finally:
        stopping._asked.clear()
    assert states(rows) == [(QUEUED, 0)] * 4
    assert smtp.mails == []


def test_what_could_not_be_given_back_stands_in_the_journal(
    many: Many, send: Send, session: Session, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = many(3)
    bundle = taken(session)
    stopping._asked.set()
    monkeypatch.setattr("mailsetup.outbox.bundle.claim.release", _away)
    work(bundle, session)
    monkeypatch.undo()
    assert (counts(session), len(journals(Path(folder_for(settings))))) == ({SENDING: 3}, 1)
    send()
    assert states(rows) == [(SENT, 1)] * 3


def _away(*_: object) -> None:
    raise OperationalError("", {}, Exception("away"))


def test_a_password_for_another_server_goes_to_no_bundle(
    many: Many, send: Send, session: Session, smtp: Server
) -> None:
    rows = many(3)
    workspace = session.get_one(Workspace, rows[0].workspace_id)
    login = factories.make_credential(session, workspace)
    config_of(session, rows[0]).credential_id = login.id
    elsewhere = {"credential_id": login.id, "version": login.version, "target": "mail.northwind.example"}
    session.add(CredentialBinding(workspace_id=workspace.id, **elsewhere))
    send()
    assert [row.status for row in rows] == [QUEUED, SENT, SENT]
    assert (config_of(session, rows[0]).health_cause, smtp.connections) == ("credential_bound_elsewhere", 2)


def test_what_was_accepted_waits_for_no_slow_server(
    many: Many, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailsetup.outbox.bundle.GROUP_SECONDS", 0.05)
    with smtp_server.slow() as slow:
        rows = [*many(3), *many(1, server=slow)]
        with drained():
            until(lambda: counts(session) == {SENT: 3, SENDING: 1})
            session.commit()
            slow.hold.set()
    session.expire_all()
    assert states(rows) == [(SENT, 1)] * 4


def test_a_lane_alone_writes_down_what_it_knows_before_it_goes_on(
    many: Many, session: Session, smtp: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _, last = many(3)
    for row in (first, last):
        another(session, row)
    smtp.answers["RCPT"] = ["550 5.1.1 no such user"]
    bundle = taken(session)
    seen: list[dict[str, int]] = []

    def talked(*given: Any, **more: Any) -> Done:
        session.commit()
        with walls.everywhere():
            seen.append(counts(session))
        session.commit()
        monkeypatch.setattr("mailsetup.outbox.bundle.GROUP_SECONDS", 0.0 if len(seen) == 3 else 60.0)
        return tries.talk(*given, **more)

    monkeypatch.setattr("mailsetup.outbox.bundle.talk", talked)
    work(bundle, session)
    assert seen[2:] == [{SENDING: 4, FAILED: 1}, {SENDING: 1, FAILED: 1, QUEUED: 1, SENT: 2}]


def test_a_setup_that_is_deleted_on_the_way_keeps_its_mail(many: Many, session: Session, smtp: Server) -> None:
    rows = many(2)
    smtp.answers["MAIL"] = ["451 4.3.0 later"]
    bundle = taken(session)
    session.delete(config_of(session, rows[0]))
    session.commit()
    work(bundle, session)
    assert states(rows) == [(QUEUED, 0), (SENT, 1)]
    assert not rows[0].possible_duplicate


def test_a_failure_that_could_not_be_written_stands_in_the_journal(
    many: Many, send: Send, session: Session, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with smtp_server.running() as gone:
        rows = many(1, server=gone)
        bundle = taken(session)

    def stops(*_: object) -> None:
        stopping._asked.set()
        _away()

    monkeypatch.setattr("mailsetup.outbox.bundle.attempts.record_failed", stops)
    work(bundle, session)
    monkeypatch.undo()
    assert (counts(session), len(journals(folder_for(settings)))) == ({SENDING: 1}, 1)
    send()
    assert (rows[0].status, rows[0].possible_duplicate) == (QUEUED, False)
