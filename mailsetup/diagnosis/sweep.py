"""Ends test runs whose worker is gone, and rings again for those that no worker has heard of."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, CursorResult, delete, select
from sqlalchemy.orm import Session

from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.core.ids import first_id_at
from mailsetup.diagnosis import arrival
from mailsetup.diagnosis.ending import end_cancelled, end_failed, fetch_unfinished
from mailsetup.diagnosis.models import RUNNING, WAITING, TestRun
from mailsetup.diagnosis.start import JOB
from mailsetup.outbound.explain import own_explanation
from mailsetup.workspaces import retention

GRACE = timedelta(seconds=10)
UNHEARD = timedelta(seconds=10)
AT_ONCE = 100


def end_overdue_runs(session: Session) -> int:
    """Gives every run past its deadline a verdict; how many that were."""
    now = utcnow()
    overdue = select(TestRun.id).where(TestRun.state.in_((WAITING, RUNNING)), TestRun.deadline_at < now - GRACE)
    ended = 0
    for run_id in session.scalars(overdue).all():
        run = fetch_unfinished(session, run_id)
        if run is not None:
            _end(session, run)
            ended += 1
    _ring_again(session)
    arrival.look_again(session)
    _forget(session, now)
    return ended


def _end(session: Session, run: TestRun) -> None:
    if run.cancel_requested:
        end_cancelled(session, run)
    else:
        end_failed(session, run, own_explanation("worker_stopped"))


def _ring_again(session: Session) -> None:
    unheard = select(TestRun.id).where(TestRun.state == WAITING, TestRun.created_at < utcnow() - UNHEARD)
    for run_id in session.scalars(unheard):
        queues.enqueue_after_commit(session, JOB, str(run_id))


def _forget(session: Session, now: datetime) -> None:
    before = now - retention.usual("tests")
    _delete(session, TestRun.id < first_id_at(before), TestRun.finished_at < before)
    retention.shorten(session, "tests", now, _delete_of)


def _delete_of(session: Session, workspace_id: uuid.UUID, since: datetime, until: datetime) -> bool:
    ended = TestRun.finished_at >= since, TestRun.finished_at < until
    return _delete(session, TestRun.workspace_id == workspace_id, *ended) == AT_ONCE


def _delete(session: Session, *conditions: ColumnElement[bool]) -> int:
    old = select(TestRun.id).where(*conditions).limit(AT_ONCE)
    done = session.execute(delete(TestRun).where(TestRun.id.in_(old)), execution_options={"synchronize_session": False})
    return done.rowcount if isinstance(done, CursorResult) else 0
