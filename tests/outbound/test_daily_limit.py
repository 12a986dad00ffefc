"""A mailbox's limit for the day is told before mail waits for it, shown on the page, and over when there is room."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from mailsetup.alerts.models import Alert, AlertNotice
from mailsetup.core.clock import utcnow
from mailsetup.outbound import daily_limit
from mailsetup.outbound.models import PAUSED, Mailbox
from tests.factories import make_config, smtp_settings


@pytest.fixture
def config(session, alice):
    exchange = smtp_settings(host="smtp.office365.com")
    return make_config(session, alice.workspace, name="Invoices", settings=exchange)


def written_to(session, config, people) -> None:
    """So many people within the last hour; Exchange Online lets us write to 9,500 in a day."""
    now = utcnow()
    session.merge(Mailbox(key=config.mailbox_key, day=[[int(now.timestamp()) - 1800, people]], used_at=now))
    session.commit()


def looked(session) -> list[tuple[str, bool]]:
    daily_limit.watch(session)
    session.commit()
    alerts = session.scalars(select(Alert), execution_options={"populate_existing": True})
    return [(alert.title, alert.resolved_at is not None) for alert in alerts]


def test_it_is_told_once_before_mail_waits_and_is_over_when_there_is_room(session, config):
    written_to(session, config, 7_599)
    assert looked(session) == []
    written_to(session, config, 7_600)
    said = "“Invoices” has written to {} of the 9,500 people it may write to in 24 hours"
    assert looked(session) == [(said.format("7,600"), False)]
    written_to(session, config, 7_000)
    assert looked(session) == [(said.format("7,000"), False)]
    notice = session.scalars(select(AlertNotice)).one()
    assert (notice.target, notice.alert.severity) == (config.alerts_address, "warning")
    written_to(session, config, 6_000)
    assert looked(session) == [(said.format("7,000"), True)]


def test_its_alert_speaks_of_no_failure(session, config, alice):
    written_to(session, config, 9_000)
    looked(session)
    alert = session.scalars(select(Alert)).one()
    shown = alice.client.get(f"/alerts/{alert.id}").get_data(as_text=True)
    assert "9,000 of the 9,500 people" in shown
    assert "Failures" not in shown


def test_a_lower_limit_of_the_setups_own_counts(session, config):
    config.limit_recipients = 100
    written_to(session, config, 80)
    assert "80 of the 100 people" in looked(session)[0][0]


def test_it_is_over_when_the_setup_sends_no_more(session, config):
    written_to(session, config, 9_000)
    looked(session)
    config.health = PAUSED
    assert [over for _title, over in looked(session)] == [True]


def test_the_page_of_the_setup_says_how_much_of_the_day_is_used(session, config, alice):
    written_to(session, config, 8_000)
    shown = alice.client.get(f"/outbound/{config.id}").get_data(as_text=True)
    assert "8,000 of 9,500 people" in shown
    assert "Mail waits once the limit is reached" in shown
    written_to(session, config, 10)
    shown = alice.client.get(f"/outbound/{config.id}").get_data(as_text=True)
    assert "10 of 9,500 people" in shown
    assert "Mail waits once the limit is reached" not in shown
