"""Whoever is missing for a minute is an alert of the operator, once, and it ends by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert, AlertNotice
from mailsetup.core import heartbeats
from mailsetup.core.clock import utcnow
from mailsetup.core.heartbeats import SCHEDULER, WEB, WORKERS
from mailsetup.watchdog import Watchdog

EVERYBODY = (*WORKERS, SCHEDULER, WEB)
Pass = Callable[..., list[Alert]]


@pytest.fixture
def watchdog(session: Session, monkeypatch: pytest.MonkeyPatch) -> Watchdog:
    """The one of a web process; sending is recorded, not done."""
    found = Watchdog(WEB)
    monkeypatch.setattr(found, "_send_notices", lambda: None)
    return found


@pytest.fixture
def passing(session: Session, watchdog: Watchdog) -> Iterator[Pass]:
    """Lets a minute and a bit go by, in which these live; what is open then."""
    with time_machine.travel(utcnow(), tick=False) as clock:

        def passed(*alive: str) -> list[Alert]:
            for _ in range(7):
                clock.shift(timedelta(seconds=10))
                for role in alive:
                    heartbeats.beat(session, f"{role}:1", role)
                watchdog.look(session)
            session.expire_all()
            return list(session.scalars(select(Alert).where(Alert.resolved_at.is_(None))))

        yield passed


def test_it_is_content_while_everybody_lives(passing: Pass) -> None:
    assert passing(*EVERYBODY) == []


@pytest.mark.parametrize("gone", [*WORKERS, SCHEDULER])
def test_it_tells_the_operator_once_who_is_missing(passing: Pass, session: Session, gone: str) -> None:
    passing(*EVERYBODY)
    rest = [role for role in EVERYBODY if role != gone]
    [alert] = passing(*rest)
    assert (alert.workspace_id, alert.subject_label, alert.count) == (None, gone, 1)
    assert passing(*rest)[0].count == 1
    [told] = session.scalars(select(AlertNotice.target))
    assert told == "olivia@mailsetup.example"
    assert passing(*EVERYBODY) == []
    assert session.get_one(Alert, alert.id).resolution == "It runs again."


def test_it_gives_others_a_minute_to_start(passing: Pass, watchdog: Watchdog, session: Session) -> None:
    watchdog.look(session)
    assert session.scalars(select(Alert)).all() == []
    assert {alert.subject_label for alert in passing()} == {*WORKERS, SCHEDULER}


def test_it_misses_web_processes_only_where_there_were_some(passing: Pass, watchdog: Watchdog) -> None:
    watchdog.role = SCHEDULER
    assert passing(*WORKERS) == []
    passing(*WORKERS, WEB)
    assert [alert.subject_label for alert in passing(*WORKERS)] == [WEB]


def test_it_says_that_its_own_process_lives(watchdog: Watchdog, session: Session) -> None:
    session.commit()
    watchdog.beat()
    watchdog.beat()
    assert heartbeats.last_seen(session).keys() == {WEB}
