"""Many workspaces that stop with one cause are one incident."""

from datetime import timedelta

from sqlalchemy import select

from mailsetup.alerts.models import Alert, AlertNotice
from mailsetup.core.clock import utcnow
from mailsetup.outbound import incidents
from mailsetup.outbound.incidents import MANY
from mailsetup.outbound.models import BROKEN, HEALTHY
from tests.factories import make_config, make_workspace


def stopped(session, number, cause="host_unreachable", **values):
    facts = {"health": BROKEN, "health_cause": cause, "health_reason": "The server does not answer", **values}
    return [make_config(session, make_workspace(session), **facts) for _ in range(number)]


def looked(session) -> list[tuple[str, int, bool]]:
    incidents.watch(session)
    session.commit()
    alerts = session.scalars(select(Alert), execution_options={"populate_existing": True})
    return [(alert.subject_key, alert.count, alert.resolved_at is not None) for alert in alerts]


def test_one_incident_is_told_to_the_operator_and_grows(settings, session):
    stopped(session, MANY)
    assert looked(session) == [("incident:host_unreachable", MANY, False)]
    stopped(session, 2)
    assert looked(session) == [("incident:host_unreachable", MANY + 2, False)]
    alert = session.scalars(select(Alert)).one()
    assert "7 workspaces" in alert.title
    assert alert.workspace_id is None
    told = session.scalars(select(AlertNotice.target)).all()
    assert told == ["olivia@mailsetup.example"]


def test_few_workspaces_or_many_causes_are_no_incident(settings, session):
    stopped(session, MANY - 1)
    for number in range(MANY):
        stopped(session, 1, cause=f"cause_{number}")
    stopped(session, MANY, cause="long_ago", health_since=utcnow() - timedelta(hours=2))
    assert looked(session) == []


def test_an_incident_is_over_when_few_are_left(settings, session):
    configs = stopped(session, MANY)
    looked(session)
    for config in configs[1:]:
        config.health, config.health_cause = HEALTHY, ""
    assert looked(session) == [("incident:host_unreachable", MANY, True)]
