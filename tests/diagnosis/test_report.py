"""The report writes what it hears, until it is closed."""

import pytest

from mailsetup.diagnosis import conduct
from mailsetup.diagnosis.ending import end_cancelled, fetch_unfinished
from mailsetup.diagnosis.report import RunReport, Stopped
from mailsetup.diagnosis.start import cancel
from mailsetup.mail_services.errors import TransportError
from mailsetup.workspaces.audit import SYSTEM
from tests.diagnosis.conftest import look_again, states


@pytest.fixture
def run(start, session):
    run = start()
    conduct.claim(run.id)
    look_again(session)
    return run


@pytest.fixture
def report(run):
    return RunReport(run.id, verdict_of=lambda _error: "No such login.")


def test_it_commits_each_stage_as_it_changes(report, run, session):
    seen = []
    with report.stage("connect") as note:
        look_again(session)
        seen.append(states(run)["connect"])
        look_again(session)
        note.note(address="192.0.2.1")
    look_again(session)
    stage = next(stage for stage in run.stages if stage.name == "connect")
    assert (seen, stage.state, stage.evidence) == (["running"], "passed", {"address": "192.0.2.1"})


def test_it_keeps_the_verdict_of_a_failed_stage(report, run, session):
    with pytest.raises(TransportError), report.stage("authenticate"):
        raise TransportError("535", channel="smtp_reply", code="535", permanent=True)
    look_again(session)
    stage = next(stage for stage in run.stages if stage.name == "authenticate")
    assert (stage.state, stage.verdict) == ("failed", "No such login.")


def test_it_stops_whoever_reports_after_a_cancel(report, run, session):
    cancel(session, run, actor=SYSTEM)
    session.commit()
    with pytest.raises(Stopped), report.stage("connect"):
        pytest.fail("the stage was entered")


def test_it_writes_nothing_over_a_verdict(report, run, session):
    held = fetch_unfinished(session, run.id)
    assert held is not None
    end_cancelled(session, held)
    session.commit()
    with pytest.raises(Stopped), report.stage("connect"):
        pytest.fail("the stage was entered")
    assert states(run)["connect"] == "skipped"
