"""Hours that are over are counted once; the page's figures stay exact whatever happens later."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import actions, hours
from mailsetup.outbox.models import MailHour, Message
from mailsetup.workspaces.audit import SYSTEM
from tests import factories

ENDED = (("sent", 0), ("sent", 5), ("failed", 5), ("sent", 5), ("expired", 72), ("cancelled", 5))


def ended(session: Session, config: OutboundConfig) -> list[Message]:
    now = utcnow()
    return [
        factories.make_message(session, config, status=status, finished_at=now - timedelta(hours=back))
        for status, back in ENDED
    ]


def counted(session: Session, config: OutboundConfig) -> tuple[int, int]:
    session.commit()
    counts = hours.count_hours(session, config.workspace_id, utcnow() - timedelta(days=31))
    found = [(accepted, number) for (_, accepted), number in counts.items()]
    return sum(number for accepted, number in found if accepted), sum(number for ok, number in found if not ok)


def test_it_counts_the_same_before_and_after_the_roll_up(session: Session, config: OutboundConfig) -> None:
    ended(session, config)
    before = counted(session, config)
    assert hours.roll_up(session) == 2
    session.commit()
    assert before == counted(session, config) == (3, 2)
    assert session.scalar(select(func.sum(MailHour.accepted))) == 2


def test_it_has_the_same_effect_twice(session: Session, config: OutboundConfig) -> None:
    ended(session, config)
    hours.roll_up(session)
    assert hours.roll_up(session) == 0
    assert counted(session, config) == (3, 2)


def test_it_forgets_the_failure_of_a_mail_that_goes_out_again(session: Session, config: OutboundConfig, queue) -> None:
    message = queue()
    message.status, message.finished_at = "failed", utcnow() - timedelta(hours=3)
    session.commit()
    hours.roll_up(session)
    assert counted(session, config) == (0, 1)
    actions.retry(session, message, actor=SYSTEM)
    assert counted(session, config) == (0, 0)


def test_it_counts_what_the_last_roll_up_did_not_know(session: Session, config: OutboundConfig) -> None:
    hours.roll_up(session)
    ended(session, config)[0].finished_at = utcnow()
    session.commit()
    assert counted(session, config)[0] >= 1
