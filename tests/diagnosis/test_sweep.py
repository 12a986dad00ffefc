"""Runs that nobody ends, and runs that nobody heard of."""

from datetime import timedelta

from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.diagnosis import conduct
from mailsetup.diagnosis.jobs import run_test
from mailsetup.diagnosis.models import FAILED, WAITING, TestRun
from mailsetup.diagnosis.sweep import end_overdue_runs
from tests.diagnosis.conftest import states


def test_it_ends_a_run_whose_worker_is_gone(start, session):
    run = start()
    conduct.claim(run.id)
    session.expire_all()
    run.stages[0].state = "running"
    run.deadline_at = utcnow() - timedelta(seconds=11)
    assert end_overdue_runs(session) == 1
    assert (run.state, run.explanation["cause"]) == (FAILED, "worker_stopped")
    assert states(run)["settings"] == "failed"


def test_it_leaves_a_run_that_goes_on(start, session):
    conduct.claim(start().id)
    assert end_overdue_runs(session) == 0


def test_it_rings_again_for_a_run_that_no_worker_heard_of(start, session):
    run = start()
    queues.connection().flushall()
    run.created_at = utcnow() - timedelta(seconds=11)
    end_overdue_runs(session)
    session.commit()
    assert [job.args for job in queues.queue(queues.TESTS).jobs] == [[str(run.id)]]
    run_test(str(run.id))
    assert session.get(TestRun, run.id, populate_existing=True).state != WAITING
