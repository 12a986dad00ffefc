"""A receiver hears every event once under its id, signed, in order; one that is away loses none."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert
from mailsetup.core import db
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import Conflict
from mailsetup.events import sweep
from mailsetup.events.catalogue import MESSAGE_FAILED, MESSAGE_SENT
from mailsetup.events.emit import Happening, emit
from mailsetup.events.endpoints import delete_endpoint, renew_secret, send_again, send_test, set_active
from mailsetup.events.models import EventDelivery, EventEndpoint
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.models import Workspace
from tests.events.conftest import Receiver

Call = Callable[[], None]


def happen(session: Session, workspace: Workspace, *subjects: str, event: str = MESSAGE_SENT) -> None:
    for subject in subjects:
        emit(session, workspace.id, event, partial(list, [Happening(subject, {"id": subject})]))
    session.commit()


def test_it_calls_with_a_signature_that_receivers_verify(
    session: Session, workspace: Workspace, endpoint: EventEndpoint, receiver: Receiver, call: Call
) -> None:
    happen(session, workspace, "message:1")
    call()
    [(webhook_id, body)] = receiver.heard
    delivery = session.scalars(select(EventDelivery)).one()
    assert (webhook_id, delivery.state, delivery.status) == (delivery.webhook_id, "sent", 200)
    assert (body["type"], body["data"]) == (MESSAGE_SENT, {"id": "message:1"})


def test_it_writes_nothing_where_nobody_listens(
    session: Session, workspace: Workspace, endpoint: EventEndpoint
) -> None:
    endpoint.types = [MESSAGE_FAILED]
    happen(session, workspace, "message:1")
    assert session.scalars(select(EventDelivery)).all() == []


def test_it_loses_none_and_repeats_none_while_the_receiver_is_down(
    session: Session, workspace: Workspace, endpoint: EventEndpoint, receiver: Receiver, call: Call
) -> None:
    start = utcnow()
    receiver.down = True
    with time_machine.travel(start, tick=False) as clock:
        for minute in range(80):
            receiver.down = minute < 40  # ten minutes, in steps of 15 s
            happen(session, workspace, f"message:{minute % 7}")
            call()
            clock.shift(timedelta(seconds=15))
    ids = [webhook_id for webhook_id, _ in receiver.heard]
    deliveries = session.scalars(select(EventDelivery)).all()
    assert {one.state for one in deliveries} == {"sent"}
    assert sorted(ids) == sorted(one.webhook_id for one in deliveries)
    assert len(ids) == 80


def test_it_keeps_the_order_of_one_mail(
    session: Session, workspace: Workspace, endpoint: EventEndpoint, receiver: Receiver, call: Call
) -> None:
    receiver.status = 400
    happen(session, workspace, "message:1")
    call()
    receiver.status = 200
    happen(session, workspace, "message:1", "message:2", event=MESSAGE_FAILED)
    with time_machine.travel(utcnow() + timedelta(seconds=7)):
        call()
        assert [body["data"]["id"] for _, body in receiver.heard] == ["message:2"]
    with time_machine.travel(utcnow() + timedelta(minutes=1)):
        call()
    assert receiver.types() == [MESSAGE_FAILED, MESSAGE_SENT, MESSAGE_FAILED]


def test_it_leaves_a_receiver_that_fails_in_peace(
    session: Session, workspace: Workspace, endpoint: EventEndpoint, receiver: Receiver, call: Call
) -> None:
    receiver.status = 503
    happen(session, workspace, *(f"message:{number}" for number in range(20)))
    call()
    call()
    assert len(receiver.server.requests) <= 4  # those that were on their way at the same time
    session.refresh(endpoint)
    assert endpoint.blocked_until is not None
    assert endpoint.blocked_until > utcnow()


def test_it_alerts_once_calls_have_failed_for_long_and_says_when_it_is_over(
    session: Session, workspace: Workspace, endpoint: EventEndpoint, receiver: Receiver, call: Call
) -> None:
    receiver.down = True
    happen(session, workspace, "message:1")
    call()
    with time_machine.travel(utcnow() + timedelta(minutes=16)):
        call()
        alert = session.scalars(select(Alert).where(Alert.workspace_id == workspace.id)).one()
        assert alert.title == "Events do not arrive at “Shop”"
    receiver.down = False
    with time_machine.travel(utcnow() + timedelta(minutes=40)):
        call()
        session.refresh(alert)
    assert alert.resolved_at is not None


def test_it_gives_up_after_three_days_and_sends_again_on_demand(
    session: Session, workspace: Workspace, endpoint: EventEndpoint, receiver: Receiver, call: Call
) -> None:
    receiver.down = True
    happen(session, workspace, "message:1")
    call()
    with time_machine.travel(utcnow() + timedelta(days=3, minutes=1)):
        assert sweep.sweep(session) == 1
        receiver.down = False
        assert send_again(session, endpoint, actor=SYSTEM, delivery_id=None) == 1
        call()
    delivery = session.scalars(select(EventDelivery)).one()
    assert (delivery.state, [webhook_id for webhook_id, _ in receiver.heard]) == ("sent", [delivery.webhook_id])


def test_it_stops_where_the_receiver_is_gone(
    session: Session, workspace: Workspace, endpoint: EventEndpoint, receiver: Receiver, call: Call
) -> None:
    receiver.status = 410
    happen(session, workspace, "message:1")
    call()
    session.refresh(endpoint)
    assert not endpoint.active
    assert "410" in endpoint.stopped_because


@pytest.mark.parametrize("which", ["old", "new"])
def test_it_signs_with_both_secrets_while_one_replaces_the_other(
    session: Session, workspace: Workspace, endpoint: EventEndpoint, receiver: Receiver, call: Call, which: str
) -> None:
    fresh = renew_secret(session, endpoint, actor=SYSTEM)
    if which == "new":
        receiver.secrets.append(fresh)
    happen(session, workspace, "message:1")
    call()
    assert receiver.types() == [MESSAGE_SENT]


def test_it_writes_nothing_for_a_paused_or_deleted_webhook(
    session: Session, workspace: Workspace, endpoint: EventEndpoint, receiver: Receiver, call: Call
) -> None:
    set_active(session, endpoint, actor=SYSTEM, active=False)
    happen(session, workspace, "message:1")
    set_active(session, endpoint, actor=SYSTEM, active=True)
    happen(session, workspace, "message:2")
    delete_endpoint(session, endpoint, actor=SYSTEM)
    happen(session, workspace, "message:3")
    call()
    assert receiver.heard == []
    assert [one.subject for one in session.scalars(select(EventDelivery))] == ["message:2"]


def test_it_sends_a_test_at_once_even_after_failures(
    session: Session, endpoint: EventEndpoint, receiver: Receiver, call: Call
) -> None:
    endpoint.blocked_until = utcnow() + timedelta(minutes=10)
    send_test(session, endpoint, actor=SYSTEM)
    call()
    assert receiver.types() == ["endpoint.test"]


def test_it_sends_thirty_tests_an_hour_however_many_are_asked_for_at_once(
    session: Session, endpoint: EventEndpoint
) -> None:
    def ask(endpoint_id: uuid.UUID) -> int:
        with db.session_scope() as own:
            try:
                send_test(own, own.get_one(EventEndpoint, endpoint_id), actor=SYSTEM)
            except Conflict:
                return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, [endpoint.id] * 40)) == 30


def test_it_seals_the_secret(session: Session, endpoint: EventEndpoint, receiver: Receiver) -> None:
    assert receiver.secrets[0].reveal().removeprefix("whsec_") not in endpoint.sealed_secret
