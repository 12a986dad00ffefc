"""The sweep: expiry, adoption, purging; and what is not to be touched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.ids import new_id
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import queue_mail
from mailsetup.outbox.models import CANCELLED, EXPIRED, FAILED, QUEUED, SENT, Message, MessageBody
from mailsetup.outbox.sweep import sweep
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.outbox.conftest import Queue, mail, setup_settings
from tests.outbox.smtp_server import Server

Send = Callable[[], None]


def test_it_ends_mail_whose_time_ran_out(config: OutboundConfig, queue: Queue, session: Session) -> None:
    row, other = queue(), queue()
    row.expires_at = utcnow() - timedelta(seconds=1)
    session.commit()
    assert sweep(session).expired == 1
    session.expire_all()
    assert (row.status, other.status) == (EXPIRED, QUEUED)
    assert row.last_explanation


def test_it_gives_mail_that_came_first_to_the_first_setup(
    queue: Queue, send: Send, smtp: Server, session: Session, workspace: Workspace
) -> None:
    row, given = queue(), queue(mail(From="ar@northwind.example"))
    assert not row.config_id
    config = factories.make_config(session, workspace, settings=setup_settings(smtp))
    assert sweep(session).adopted == 2
    send()
    assert {row.status, given.status} == {SENT}
    assert {row.config_id, given.config_id} == {config.id}
    assert b"From: Northwind <ar@northwind.example>" in smtp.mails[0]
    assert row.frozen


def test_it_ends_adopted_mail_with_a_from_that_the_setup_does_not_send_as(
    queue: Queue, send: Send, smtp: Server, session: Session, workspace: Workspace
) -> None:
    row = queue(mail(From="ceo@northwind.example"))
    factories.make_config(session, workspace, settings=setup_settings(smtp))
    sweep(session)
    send()
    assert (row.status, smtp.mails) == (FAILED, [])
    assert "ar@northwind.example" in str(row.last_explanation)


def test_it_never_adopts_for_another_workspace(queue: Queue, smtp: Server, session: Session) -> None:
    queue()
    factories.make_config(session, factories.make_workspace(session, name="Fabrikam"), settings=setup_settings(smtp))
    assert sweep(session).adopted == 0


@pytest.mark.parametrize(("status", "kept"), [(CANCELLED, False), (QUEUED, True)])
def test_it_deletes_the_content_of_mail_that_ended_a_month_ago(
    config: OutboundConfig,
    session: Session,
    workspace: Workspace,
    status: str,
    kept: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    long_ago = new_id().int - (31 * 24 * 3600 * 1000 << 80)
    monkeypatch.setattr("mailsetup.outbox.queue.new_id", lambda: type(new_id())(int=long_ago))
    row = queue_mail(session, workspace, mail())
    row.status, row.finished_at = status, utcnow() - timedelta(days=31)
    session.commit()
    assert sweep(session).purged == (not kept)
    session.commit()
    assert bool(session.scalar(select(MessageBody.message_id))) == kept
    assert session.get(Message, row.id)


def test_it_rings_only_for_mail_that_can_leave(config: OutboundConfig, queue: Queue, session: Session) -> None:
    queue()
    assert sweep(session).rung
    config.health = "broken"
    session.commit()
    assert not sweep(session).rung
