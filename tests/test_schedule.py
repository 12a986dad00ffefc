import pytest
from sqlalchemy.orm import Session

from mailsetup import schedule
from mailsetup.core import db
from mailsetup.schedule import Periodic, Scheduler


@pytest.fixture(autouse=True)
def configured(database_url: str) -> None:
    db.configure(database_url)


class Counted:
    """A periodic job that counts its runs, and fails when told to."""

    def __init__(self, *, fails: bool = False) -> None:
        self.runs = 0
        self.fails = fails

    def __call__(self, session: Session) -> None:
        self.runs += 1
        if self.fails:
            raise ValueError


def test_it_runs_what_is_due_and_waits_for_the_rest() -> None:
    often, seldom = Counted(), Counted()
    scheduler = Scheduler((Periodic("often", 0.0, often), Periodic("seldom", 600.0, seldom)))
    for _ in range(3):
        scheduler.tick()
    assert (often.runs, seldom.runs) == (3, 1)


def test_it_goes_on_after_a_job_that_fails() -> None:
    broken, well = Counted(fails=True), Counted()
    scheduler = Scheduler((Periodic("broken", 0.0, broken), Periodic("well", 0.0, well)))
    scheduler.tick()
    assert (broken.runs, well.runs) == (1, 1)


def test_it_acts_only_while_it_leads() -> None:
    counted = Counted()
    first, second = (Scheduler((Periodic("job", 0.0, counted),)) for _ in range(2))
    first.tick()
    second.tick()
    assert counted.runs == 1
    first.release()
    second.tick()
    assert counted.runs == 2


def test_it_sweeps_mail_tests_and_alerts_often_enough() -> None:
    periods = {job.name: job.every for job in schedule.JOBS}
    assert {"outbox_sweep", "diagnosis_sweep", "alerts_sweep"} <= periods.keys()
    assert periods["outbox_sweep"] <= 15


def test_it_survives_a_database_that_is_away() -> None:
    counted = Counted()
    db.configure("sqlite:////nonexistent/folder/none.db")
    Scheduler((Periodic("job", 0.0, counted),)).tick()
    assert counted.runs == 0
