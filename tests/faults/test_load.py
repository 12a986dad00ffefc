"""Rows 55 and 58: one customer floods us, one client repeats itself."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.core import db
from mailsetup.outbox import queue_mail
from mailsetup.outbox.drain import Drain
from mailsetup.outbox.models import SENT, Message
from mailsetup.web.limits import limiter
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.api.conftest import Call, caller, key_of
from tests.faults.upkeep import fresh
from tests.outbox.conftest import mail, setup_settings
from tests.outbox.smtp_server import Server
from tests.people import Person
from tests.processes import until

MAIL = {"to": "me@fabrikam.example", "subject": "Your invoice", "text": "Here it is.\n"}
FLOOD, OTHERS = 2000, 20


def test_row_55_one_workspace_floods_the_others(
    config: object, workspace: Workspace, smtp: Server, session: Session
) -> None:
    with db.session_scope() as own:
        flooder = own.get_one(Workspace, workspace.id)
        for _ in range(FLOOD):
            queue_mail(own, flooder, mail())
    session.commit()
    others = []
    for number in range(OTHERS):
        trickle = factories.make_workspace(session, name=f"Trickle {number}")
        factories.make_config(session, trickle, settings=setup_settings(smtp))
        others.append(queue_mail(session, trickle, mail()).id)
    session.commit()
    draining = Drain(4, slice_seconds=30)
    thread = threading.Thread(target=draining.run)
    thread.start()

    def others_sent() -> bool:
        session.commit()
        sent = select(func.count()).where(Message.id.in_(others), Message.status == SENT)
        return session.scalar(sent) == OTHERS

    until(others_sent, seconds=15)
    fresh(session)
    left = session.scalar(select(func.count()).where(Message.workspace_id == workspace.id, Message.status != SENT))
    draining.ends = 0
    thread.join()
    assert left, "the flood was over before the others had their turn: make it larger"


def test_row_55_a_program_that_asks_too_often_is_told_to_wait(
    call: Call, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["API_RATE"] = "5 per minute"
    monkeypatch.setattr(limiter, "enabled", True)
    answers = [call("POST", "/messages", json=MAIL) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [202] * 5 + [429] * 3
    assert answers[-1].headers["Retry-After"]


def test_row_58_a_client_repeats_a_post_fifty_times_at_once(
    call: Call, app: Flask, session: Session, alice: Person
) -> None:
    key, barrier = key_of(session, alice, name="Shop 2"), threading.Barrier(50)
    session.commit()
    answers: list[Any] = []

    def post(text: str) -> None:
        own = caller(ordinary(app), key)
        barrier.wait()
        body = {**MAIL, "text": text}
        answers.append(own("POST", "/messages", json=body, headers={"Idempotency-Key": "order-42"}))

    threads = [threading.Thread(target=post, args=("one",)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    accepted = [answer for answer in answers if answer.status_code == 202]
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.json["id"] for answer in accepted}) == 1
    assert len(answers) == 50
    other = call("POST", "/messages", json={**MAIL, "text": "two"}, headers={"Idempotency-Key": "order-42"})
    assert other.status_code == 409
    session.commit()
    assert session.scalar(select(func.count()).select_from(Message)) == 1


def ordinary(app: Flask) -> Any:
    """A client that shares no database session with the test."""
    return FlaskClient(app, app.response_class)
