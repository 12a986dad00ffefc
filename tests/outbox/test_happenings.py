"""What becomes of a mail or a setup is told to the workspace's webhooks, in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.events.catalogue import WORDS
from mailsetup.events.endpoints import add_endpoint
from mailsetup.events.models import EventDelivery
from mailsetup.outbound import health
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbound.transitions import Event
from mailsetup.outbox import actions, sweep
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.outbox.conftest import Queue
from tests.outbox.smtp_server import Server


@pytest.fixture(autouse=True)
def listener(session: Session, workspace: Workspace) -> None:
    values = {"name": "Shop", "url": "https://shop.example.com/hooks"}
    add_endpoint(session, workspace_id=workspace.id, actor=SYSTEM, types=list(WORDS), **values)
    session.commit()


def told(session: Session) -> list[tuple[str, dict[str, Any]]]:
    session.expire_all()
    rows = session.scalars(select(EventDelivery).order_by(EventDelivery.id))
    return [(row.type, json.loads(row.body)["data"]) for row in rows]


def test_it_tells_of_accepted_mail_with_its_metadata(
    session: Session, config: OutboundConfig, queue: Queue, send: Callable[[], None]
) -> None:
    message = queue(metadata={"order": "42"}, idempotency_key="order-42")
    queue()
    send()
    found = told(session)
    assert [event for event, _ in found] == ["message.sent", "message.sent"]
    [data] = [data for _, data in found if data["id"] == str(message.id)]
    assert (data["status"], data["metadata"]) == ("sent", {"order": "42"})
    assert (data["idempotency_key"], data["recipients"][0]["state"]) == ("order-42", "accepted")


def test_it_tells_of_refused_mail(
    session: Session, config: OutboundConfig, smtp: Server, queue: Queue, send: Callable[[], None]
) -> None:
    smtp.answers["RCPT"].append("550 5.1.1 no such user")
    queue()
    send()
    [(event, data)] = told(session)
    assert (event, data["status"], data["recipients"][0]["state"]) == ("message.failed", "failed", "refused")
    assert data["reason"]


def test_it_tells_of_expired_mail(session: Session, config: OutboundConfig, queue: Queue) -> None:
    message = queue()
    message.expires_at = utcnow() - timedelta(seconds=1)
    session.commit()
    sweep.sweep(session)
    assert [event for event, _ in told(session)] == ["message.expired"]


def test_it_tells_of_mail_whose_outcome_is_unknown_and_then_settled(session: Session, config: OutboundConfig) -> None:
    config.unknown_policy = "hold"
    message = factories.make_message(
        session, config, status="sending", lease_token="gone", lease_until=utcnow() - timedelta(seconds=1)
    )
    sweep.sweep(session)
    session.commit()
    session.refresh(message)
    actions.resolve(session, message, "sent", actor=SYSTEM)
    assert [event for event, _ in told(session)] == ["message.unknown", "message.sent"]


def test_it_tells_how_setups_are_doing(session: Session, config: OutboundConfig) -> None:
    config.health = "broken"
    health.probe_passed(session, config)
    health.accepted(session, config)
    config.health = "unverified"
    health._move(session, config, Event.TEST_PASSED)
    assert [event for event, _ in told(session)] == ["setup.recovered", "setup.healthy", "setup.healthy"]
