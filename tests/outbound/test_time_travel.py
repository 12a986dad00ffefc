"""Two years go by in a few seconds: nothing stops silently, and every notice goes out once."""

import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import pytest
import time_machine
from sqlalchemy import select

from mailsetup.alerts.models import OPENED, Alert, AlertNotice
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.credentials.calendar import feed_file
from mailsetup.credentials.deadlines import deadlines
from mailsetup.outbound import usage
from mailsetup.outbound.expiring import tell_expiring
from mailsetup.outbound.models import BROKEN, HEALTHY, OutboundConfig
from mailsetup.outbound.renewal import JOB, renew_due, run_renewal
from tests.outbound.microsoft_world import make_app_credential, make_grant, make_setup, new_mailbox, settings_for

YEARS = timedelta(days=2 * 365)
PROMISED = [60, 30, 14, 7, 3, 1, 0]  # written out: the code must not decide what it is measured by


@pytest.fixture
def settings_changes(box):
    usage.register()
    return settings_for(box)


def one_day():
    """What the scheduler and a worker do in a day."""
    with session_scope() as session:
        tell_expiring(session)
        renew_due(session)
        jobs = [args for function, args in session.info.get("mailsetup.jobs_after_commit", []) if function == JOB]
        session.info.clear()
    for [credential_id] in jobs:
        run_renewal(uuid.UUID(credential_id))


def live_through(begin: datetime, days: Iterable[int]):
    """Lets each of these days pass, counted from `begin`."""
    for number in days:
        with time_machine.travel(begin + timedelta(days=number), tick=True):
            one_day()


def noon() -> datetime:
    return datetime.combine(utcnow().date(), time(12), UTC)


def opened(session) -> list[Alert]:
    session.rollback()
    return list(session.scalars(select(Alert).order_by(Alert.opened_at, Alert.id)))


def test_an_idle_sign_in_lives_for_two_years(box, session, workspace):
    box.world.platform_app.secret_expires = (utcnow() + 2 * YEARS).isoformat()
    mailbox = new_mailbox(box)
    config = make_setup(session, make_grant(session, workspace, mailbox), mailbox.address, health="paused")
    live_through(noon(), range(0, YEARS.days, 12))
    with time_machine.travel(noon() + YEARS, tick=True):
        [deadline] = deadlines(session, workspace.id)
        left = deadline.days_left(utcnow().date())
        session.rollback()
    assert opened(session) == []
    assert (left >= 80, config.health) == (True, "paused")


def test_a_secret_of_two_years_is_told_seven_times_and_does_not_stop_silently(box, session, workspace):
    ends_on = utcnow().date() + YEARS
    box.world.app.secret_expires = datetime.combine(ends_on + timedelta(days=1), time(), UTC).isoformat()
    credential = make_app_credential(session, workspace, box)
    credential.expires_on = ends_on
    session.commit()
    config = make_setup(session, credential, "ar@contoso.com", "graph_client_credentials")
    run_renewal(credential.id)
    live_through(noon() + YEARS, (-61, -60, -59, -31, -30, -29, -14, -13, -7, -5, -3, -2, -1, 0, 1, 2))
    alerts = opened(session)
    told = [alert for alert in alerts if alert.subject_key == f"credential:{credential.id}"]
    assert [alert.cause for alert in told] == [f"secret_ends_{days}" for days in PROMISED]
    assert [(ends_on - alert.opened_at.date()).days for alert in told] == PROMISED
    assert Counter(notices(session)) == {alert.id: 1 for alert in alerts}
    assert session.get_one(OutboundConfig, config.id, populate_existing=True).health == BROKEN
    assert alerts[-1].explanation["cause"] == "client_secret_expired"
    assert calendar_days(session, workspace) == [ends_on]


def notices(session):
    return session.scalars(select(AlertNotice.alert_id).where(AlertNotice.event == OPENED)).all()


def calendar_days(session, workspace) -> list[date]:
    found = deadlines(session, workspace.id)
    text = feed_file(found, workspace="Northwind", base_url="http://localhost", now=utcnow()).decode()
    return [
        datetime.strptime(line.removeprefix("DTSTART;VALUE=DATE:"), "%Y%m%d").replace(tzinfo=UTC).date()
        for line in text.split("\r\n")
        if line.startswith("DTSTART")
    ]


def test_what_is_renewed_in_time_is_over(box, session, workspace):
    credential = make_app_credential(session, workspace, box)
    credential.expires_on = utcnow().date() + timedelta(days=6)
    session.commit()
    config = make_setup(session, credential, "ar@contoso.com", "graph_client_credentials")
    one_day()
    one_day()
    assert [alert.cause for alert in opened(session)] == ["secret_ends_7"]
    session.refresh(credential)
    credential.expires_on = utcnow().date() + timedelta(days=366)
    session.commit()
    one_day()
    [alert] = opened(session)
    assert (alert.resolution, config.health) == ("It was renewed, and has a new last day.", HEALTHY)
