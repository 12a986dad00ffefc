"""The scheduler's round: rings for what is due, reminds, takes back what died."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from mailsetup.alerts.claim import claim, due_ids
from mailsetup.alerts.models import Alert, AlertNotice
from mailsetup.alerts.notices import JOB
from mailsetup.alerts.sweep import sweep
from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from tests.alerts.conftest import outcomes, solved, stopped
from tests.alerts.simultaneous import all_at_once

IT = "it@northwind.example"


def age(session, **moments):
    session.execute(update(Alert).values(**moments))
    session.commit()


def swept(session):
    result = sweep(session)
    session.commit()
    return result


def test_it_rings_for_due_notices_even_after_redis_forgot_them(session, workspace, valkey):
    stopped(session, workspace)
    valkey.flush()
    assert swept(session).rung
    assert queues.queue(queues.ALERTS).count == 1
    assert queues.connection().exists(queues.rung_key(JOB))


def test_it_is_quiet_when_nothing_is_due(session, workspace):
    result = swept(session)
    assert (result.released, result.reminded, result.rung) == (0, 0, False)
    assert queues.queue(queues.ALERTS).count == 0


def test_it_reminds_a_day_later_and_then_every_day(session, workspace):
    stopped(session, workspace)
    assert swept(session).reminded == 0
    age(session, opened_at=utcnow() - timedelta(hours=25))
    assert swept(session).reminded == 1
    assert swept(session).reminded == 0
    age(session, reminded_at=utcnow() - timedelta(hours=25))
    assert swept(session).reminded == 1
    assert [event for event, *_rest in outcomes(session)] == ["opened", "reminded", "reminded"]


def test_it_does_not_remind_of_what_is_solved_or_only_a_warning(session, workspace):
    stopped(session, workspace, severity="warning", cause="expiring", subject_key="credential:1")
    stopped(session, workspace)
    solved(session, workspace)
    age(session, opened_at=utcnow() - timedelta(hours=25))
    assert swept(session).reminded == 0


def test_it_reminds_once_when_two_schedulers_sweep(session, workspace):
    stopped(session, workspace)
    age(session, opened_at=utcnow() - timedelta(hours=25))

    def run(_number):
        with session_scope() as own:
            sweep(own)

    all_at_once(4, run)
    assert [event for event, *_rest in outcomes(session)] == ["opened", "reminded"]


def test_it_takes_back_and_rings_for_what_died_while_sending(session, workspace):
    stopped(session, workspace)
    claim(session, due_ids(session)[0])
    session.execute(update(AlertNotice).values(lease_until=utcnow() - timedelta(seconds=1)))
    session.commit()
    result = swept(session)
    assert (result.released, result.rung) == (1, True)
    assert outcomes(session) == [("opened", IT, "pending")]
