"""For how long a workspace keeps its data: what its owner says, within bounds, and what the sweeps make of it."""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from mailsetup.core.clock import utcnow
from mailsetup.core.ids import first_id_at
from mailsetup.diagnosis.models import PASSED, TestRun
from mailsetup.diagnosis.sweep import end_overdue_runs
from mailsetup.events import sweep as events_sweep
from mailsetup.events.models import EventDelivery
from mailsetup.outbox import bodies
from mailsetup.outbox.models import SENT, UNKNOWN, Message, MessageBody
from mailsetup.outbox.sweep import sweep
from mailsetup.workspaces import retention
from mailsetup.workspaces.models import RetentionRule
from tests import factories, walls
from tests.people import Person

USUAL = {kept.name: str(kept.usual) for kept in retention.KEPT}


def shorten(session, person: Person, **days: int) -> None:
    values = {**USUAL, **{name: str(number) for name, number in days.items()}}
    retention.set_days(session, person.workspace, values, actor=person.actor)
    session.commit()


def sent_mail(session, person: Person, days: int, status: str = SENT) -> Message:
    when = utcnow() - timedelta(days=days)
    config = factories.make_config(session, person.workspace, is_default=False)
    own = uuid.UUID(int=first_id_at(when).int + secrets.randbits(62))
    row = factories.make_message(session, config, id=own, status=status, finished_at=when)
    bodies.store(session, person.workspace.id, row.id, b"Hello")
    session.commit()
    return row


def left(session) -> tuple[int, int]:
    session.commit()
    counts = [session.scalar(select(func.count()).select_from(table)) or 0 for table in (Message, MessageBody)]
    return counts[0], counts[1]


def test_it_deletes_what_a_workspace_keeps_for_a_shorter_time(session, alice, charlie):
    shorten(session, alice, bodies=2, messages=30)
    for person, days in ((alice, 1), (alice, 3), (alice, 31), (charlie, 3), (charlie, 29)):
        sent_mail(session, person, days)
    sweep(session)
    assert left(session) == (4, 3)
    sweep(session)
    assert left(session) == (4, 3)


def test_it_looks_again_later(session, alice):
    shorten(session, alice, bodies=2)
    row = sent_mail(session, alice, 1)
    sweep(session)
    assert left(session) == (1, 1)
    row.finished_at = utcnow() - timedelta(days=2, minutes=1)
    rule = session.get(RetentionRule, (alice.workspace.id, "bodies"))
    sweep(session)
    assert left(session) == (1, 1)
    rule.look_at = utcnow() - timedelta(minutes=1)
    session.commit()
    sweep(session)
    assert left(session) == (1, 0)


def test_it_forgets_a_mail_after_its_longest_time(session, alice):
    sent_mail(session, alice, 401)
    sent_mail(session, alice, 401, UNKNOWN).finished_at = None
    sweep(session)
    assert left(session) == (1, 1)


def test_it_deletes_old_test_runs(session, alice):
    shorten(session, alice, tests=30)
    for days in (29, 31):
        row = session.get(TestRun, walls.run(session, alice))
        row.state, row.finished_at = PASSED, utcnow() - timedelta(days=days)
    session.commit()
    end_overdue_runs(session)
    assert session.scalar(select(func.count()).select_from(TestRun)) == 1


def test_it_deletes_old_events(session, alice):
    shorten(session, alice, events=7)
    endpoint = walls.endpoint(session, alice)
    for days in (6, 8):
        told = utcnow() - timedelta(days=days)
        values = {"type": "message.sent", "subject": "x", "body": "{}", "state": "sent", "expires_at": told}
        session.add(EventDelivery(workspace_id=alice.workspace.id, endpoint_id=endpoint, finished_at=told, **values))
    session.commit()
    events_sweep.sweep(session)
    assert session.scalar(select(func.count()).select_from(EventDelivery)) == 1


@pytest.mark.parametrize(
    ("field", "value"), [("bodies", "0"), ("bodies", "31"), ("messages", "29"), ("events", "x"), ("tests", "")]
)
def test_it_refuses_numbers_out_of_bounds(alice, session, field, value):
    answer = alice.client.post("/settings/data/retention", data={**USUAL, field: value})
    assert answer.status_code == 422
    assert "Give a number of days" in answer.text
    assert retention.current_days(session, alice.workspace.id) == {kept.name: kept.usual for kept in retention.KEPT}


def test_it_saves_and_writes_it_down(alice):
    answer = alice.client.post("/settings/data/retention", data={**USUAL, "bodies": "3"}, follow_redirects=True)
    assert 'value="3"' in answer.text
    assert "bodies: 30 to 3 days" in alice.client.get("/audit").text


def test_it_is_for_owners(ada):
    assert ada.client.get("/settings/data").status_code == 403
    assert ada.client.post("/settings/data/retention", data=USUAL).status_code == 403
