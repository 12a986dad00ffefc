"""Limits that a setup gives itself, on its page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.outbound import mailboxes
from mailsetup.outbound.models import OutboundConfig
from tests import factories
from tests.people import Person

EXCHANGE = {"host": "smtp.office365.com"}


@pytest.fixture
def config(session: Session, alice: Person) -> OutboundConfig:
    return factories.make_config(session, alice.workspace, settings=factories.smtp_settings(**EXCHANGE))


def test_it_saves_lower_limits(alice: Person, session: Session, config: OutboundConfig) -> None:
    given = {"limit_per_minute": "10", "limit_connections": "", "limit_recipients": "500"}
    alice.client.post(f"/outbound/{config.id}/limits", data=given)
    session.refresh(config)
    assert (config.limit_per_minute, config.limit_connections, config.limit_recipients) == (10, None, 500)
    assert mailboxes.limits_of(config).connections == 3


@pytest.mark.parametrize("number", ["29", "0", "-1", "ten", "1e3", "9" * 30, "\u0661"])
def test_it_takes_no_limit_above_the_services(
    alice: Person, session: Session, config: OutboundConfig, number: str
) -> None:
    answer = alice.client.post(f"/outbound/{config.id}/limits", data={"limit_per_minute": number})
    assert answer.status_code == 422
    assert "Type a whole number from 1 to 28" in answer.text
    session.refresh(config)
    assert config.limit_per_minute is None


def test_its_page_says_when_mail_resumes(alice: Person, session: Session, config: OutboundConfig) -> None:
    until = utcnow() + timedelta(minutes=3)
    mailboxes.pause(session, config.mailbox_key, until, mailboxes.MINUTE_FULL, utcnow())
    message = factories.make_message(session, config)
    page = alice.client.get(f"/outbound/{config.id}").text
    assert "as much as it may in a minute" in page
    assert "Mail resumes at" in page
    assert "Resumes" in alice.client.get(f"/messages/{message.id}").text
