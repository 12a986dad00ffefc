"""A master key is replaced under load: 100,000 workspaces, mail in flight, the command killed ten times."""

from __future__ import annotations

import os
import random
import signal
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from mailsetup import settings as settings_module
from mailsetup.cli import keys as key_commands
from mailsetup.core import crypto, db
from mailsetup.core.crypto import KeyRing
from mailsetup.core.errors import UnsealError
from mailsetup.outbox.drain import Drain
from mailsetup.outbox.models import SENT, DeliveryAttempt, Message
from mailsetup.settings import Settings
from mailsetup.workspaces import sealing
from mailsetup.workspaces.models import Workspace, WorkspaceKey
from tests.faults.upkeep import counts, fresh
from tests.outbox.children import ended, forked
from tests.outbox.conftest import Queue
from tests.outbox.smtp_server import Server

SECRETS = 100_000
KILLS = 10
pytestmark = [pytest.mark.usefixtures("config"), pytest.mark.timeout(1800)]


@pytest.fixture
def ring(settings: Settings) -> Iterator[KeyRing]:
    """The old key behind a new one that is the primary, as after `keys promote` and a restart."""
    both = KeyRing({"next": crypto.new_key(), **settings.key_ring.keys})
    settings_module.start(replace(settings, key_ring=both))
    yield both
    sealing._cache.clear()


def seal_many(session: Session, ring: KeyRing, count: int) -> list[uuid.UUID]:
    """So many workspaces, each with a data key that the old master key seals."""
    old = KeyRing({"test": ring.keys["test"]})
    ids = [uuid.uuid4() for _ in range(count)]
    for begin in range(0, count, 5000):
        part = ids[begin : begin + 5000]
        session.execute(insert(Workspace), [{"id": one, "name": f"Customer {one}"} for one in part])
        keys = [{"workspace_id": one, "wrapped": old.wrap(crypto.new_key(), workspace_id=str(one))} for one in part]
        session.execute(insert(WorkspaceKey), keys)
    session.commit()
    return ids


def rewrap() -> None:
    """What the command does, in a process of its own."""
    for table in key_commands.LABELS:
        walk = key_commands.Rewrapping(table)
        while walk.step():
            pass


def left(session: Session) -> int:
    session.commit()
    return session.scalar(select(func.count()).where(sealing.sealed_by(["test"]))) or 0


def send_one(queue: Queue) -> None:
    """A mail queued and sent by a process that remembers no key."""
    sealing._cache.clear()
    queue()
    Drain(2, slice_seconds=5).run()


def test_rewrap_goes_on_through_ten_kills_while_mail_flows(
    ring: KeyRing, session: Session, queue: Queue, smtp: Server
) -> None:
    ids = seal_many(session, ring, SECRETS)
    sent, remaining = 0, [left(session)]
    for _ in range(KILLS):
        child = forked(rewrap)
        until = time.monotonic() + random.uniform(0.3, 1.2)
        while time.monotonic() < until:
            send_one(queue)
            sent += 1
        os.kill(child, signal.SIGKILL)
        assert ended(child) in {-signal.SIGKILL, 0}
        remaining.append(left(session))
    assert remaining == sorted(remaining, reverse=True)
    first, second = (session.get_one(WorkspaceKey, one) for one in sorted(ids)[-2:])
    first.wrapped, second.wrapped = second.wrapped, first.wrapped
    session.commit()
    result = CliRunner().invoke(key_commands.keys, ["rewrap", "--resume"])
    assert result.exit_code == 1
    assert all(str(one) in result.output for one in sorted(ids)[-2:])
    assert left(session) == 2
    assert remaining[0] > remaining[-1] > 0
    check_mail(session, sent, smtp)
    check_keys(session, ring, swapped=set(sorted(ids)[-2:]))


def check_mail(session: Session, sent: int, smtp: Server) -> None:
    fresh(session)
    assert counts(session) == {SENT: sent}
    assert len(smtp.mails) == sent
    assert session.scalar(select(func.count()).select_from(DeliveryAttempt)) in {0, sent}
    assert not session.scalars(select(Message.id).where(Message.possible_duplicate)).all()


def check_keys(session: Session, ring: KeyRing, *, swapped: set[uuid.UUID]) -> None:
    """Everything opens with the new key alone, but the two rows that were swapped."""
    alone, refused = KeyRing({"next": ring.keys["next"]}), set()
    for workspace_id, wrapped in session.execute(select(WorkspaceKey.workspace_id, WorkspaceKey.wrapped)):
        try:
            alone.unwrap(wrapped, workspace_id=str(workspace_id))
        except UnsealError:
            refused.add(workspace_id)
    assert refused == swapped
    with db.session_scope() as own:
        for workspace_id in swapped:
            with pytest.raises(UnsealError):
                sealing.data_key(own, workspace_id)
