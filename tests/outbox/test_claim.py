"""Who gets mail to send, how much of it, and when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import claim
from mailsetup.outbox.models import QUEUED, SENT
from mailsetup.outbox.ready import ready_setups
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.outbox.conftest import Queue
from tests.outbox.smtp_server import Server

Send = Callable[[], None]


def claimed(config: OutboundConfig) -> list[claim.Claimed]:
    with session_scope() as session:
        return claim.claim(session, config.id, utcnow()).mails


def test_it_gives_each_mail_to_one_worker_only(config: OutboundConfig, queue: Queue) -> None:
    for _ in range(claim.BATCH + 10):
        queue()
    first, second, third = claimed(config), claimed(config), claimed(config)
    assert (len(first), len(second), len(third)) == (claim.BATCH, 10, 0)
    assert not {row.id for row in first} & {row.id for row in second}


def test_it_takes_urgent_mail_first_and_leaves_room_for_the_rest(config: OutboundConfig, queue: Queue) -> None:
    for priority in ("bulk", "normal", "high"):
        for _ in range(claim.BATCH):
            queue(priority=priority)
    order = [row.priority for row in claimed(config)]
    assert order == [0] * 40 + [5] * 8 + [9] * 2


def test_it_leaves_mail_that_is_not_due(config: OutboundConfig, queue: Queue) -> None:
    queue(send_at=utcnow() + timedelta(minutes=5))
    assert claimed(config) == []


@pytest.mark.parametrize("health", ["unverified", "broken", "paused"])
def test_it_leaves_mail_of_a_setup_that_may_not_send(
    config: OutboundConfig, queue: Queue, session: Session, health: str
) -> None:
    queue()
    config.health = health
    session.commit()
    assert claimed(config) == []


def test_it_leaves_mail_of_a_setup_that_was_asked_to_wait(
    config: OutboundConfig, queue: Queue, session: Session
) -> None:
    queue()
    config.blocked_until = utcnow() + timedelta(seconds=30)
    session.commit()
    assert claimed(config) == []


def test_it_finds_setups_with_due_mail_in_turn(
    config: OutboundConfig, queue: Queue, session: Session, monkeypatch: pytest.MonkeyPatch, smtp: Server
) -> None:
    monkeypatch.setattr("mailsetup.outbox.ready.STEP", 2)
    others = [factories.make_workspace(session) for _ in range(2)]
    configs = [config, *(factories.make_config(session, one) for one in others)]
    for one in configs:
        factories.make_message(session, one)
    first, cursor = ready_setups(session, utcnow(), after=None)
    rest, end = ready_setups(session, utcnow(), after=cursor)
    assert [one.config_id for one in first + rest] == sorted(one.id for one in configs)
    assert (len(first), end) == (2, None)


def test_it_serves_every_workspace_with_few_lanes(
    queue: Queue, send: Send, smtp: Server, session: Session, config: OutboundConfig, workspace: Workspace
) -> None:
    for _ in range(15):
        queue()
    settings = config.settings
    rows = []
    for _ in range(6):
        other = factories.make_config(session, factories.make_workspace(session), settings=settings)
        rows.append(factories.make_message(session, other, frozen=True))
    send()
    assert len(smtp.mails) == 15
    # Rows without content end with an explanation instead of holding up the others.
    assert {row.status for row in rows} == {"failed"}


def test_it_gives_back_untouched_what_it_did_not_begin(config: OutboundConfig, queue: Queue, session: Session) -> None:
    row = queue()
    due = row.next_attempt_at
    with session_scope() as other:
        claim.release(other, claimed(config), utcnow())
    session.expire_all()
    assert (row.status, row.next_attempt_at, row.attempt_count, row.lease_token) == (QUEUED, due, 0, None)


def test_it_renews_only_what_is_still_held(config: OutboundConfig, queue: Queue, send: Send, session: Session) -> None:
    row = queue()
    token = claimed(config)[0].token
    later = utcnow() + timedelta(minutes=2)
    with session_scope() as other:
        claim.renew(other, [token], later)
    session.expire_all()
    assert row.lease_until == later + claim.LEASE
    row.status = SENT
    session.commit()
    with session_scope() as other:
        claim.renew(other, [token], later + claim.LEASE)
    session.expire_all()
    assert row.lease_until == later + claim.LEASE


def test_suspects_of_a_crash_go_one_at_a_time_over_all_lanes(
    config: OutboundConfig, queue: Queue, session: Session
) -> None:
    rows = [queue() for _ in range(3)]
    for row in rows:
        row.crash_count = 1
    session.commit()
    first = claimed(config)
    assert (len(first), claimed(config)) == (1, [])
    with session_scope() as other:
        claim.release(other, first, utcnow())
    assert len(claimed(config)) == 1
