"""Early signs: told before mail stops, counted exactly, over when they are over."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from mailsetup.alerts.models import Alert, AlertNotice
from mailsetup.core.clock import utcnow
from mailsetup.outbound.models import BROKEN
from mailsetup.outbox import early_signs
from mailsetup.outbox.early_signs import FALLING, QUEUE_AGE
from mailsetup.outbox.models import FAILED, SENT, Message
from tests.factories import make_config, make_message


def looked(session) -> list[tuple[str, int, bool]]:
    """What there is after a look: cause, count, whether it is over."""
    early_signs.watch(session)
    session.commit()
    alerts = session.scalars(
        select(Alert).order_by(Alert.opened_at, Alert.id), execution_options={"populate_existing": True}
    )
    return [(alert.cause, alert.count, alert.resolved_at is not None) for alert in alerts]


def ended(session, config, *, accepted=0, refused=0):
    for status, number in ((SENT, accepted), (FAILED, refused)):
        for _ in range(number):
            make_message(session, config, status=status, finished_at=utcnow())


def test_mail_that_should_have_left_ten_minutes_ago_is_told_until_it_leaves(session, config):
    make_message(session, config, next_attempt_at=utcnow() - timedelta(minutes=11))
    assert looked(session) == [(QUEUE_AGE, 1, False)]
    assert looked(session) == [(QUEUE_AGE, 1, False)]
    notice = session.scalars(select(AlertNotice)).one()
    assert (notice.target, notice.alert.severity, notice.alert.waiting) == (config.alerts_address, "warning", 1)
    session.execute(update(Message).values(status=SENT, finished_at=utcnow()))
    assert looked(session) == [(QUEUE_AGE, 1, True)]


def test_a_queue_at_the_edge_is_told_once(session, config):
    row = make_message(session, config, next_attempt_at=utcnow() - timedelta(minutes=11))
    for minutes, over in ((11, False), (9, False), (11, False), (4, True)):
        row.next_attempt_at = utcnow() - timedelta(minutes=minutes)
        assert looked(session) == [(QUEUE_AGE, 1, over)]


@pytest.mark.parametrize("late", [timedelta(minutes=9), timedelta(hours=-1)], ids=["a-little", "planned-later"])
def test_mail_that_is_not_late_is_nobodys_alert(session, config, late):
    make_message(session, config, next_attempt_at=utcnow() - late)
    assert looked(session) == []


def test_mail_of_a_setup_that_has_stopped_is_not_called_late(session, config):
    config.health = BROKEN
    make_message(session, config, next_attempt_at=utcnow() - timedelta(hours=2))
    assert looked(session) == []


def test_falling_acceptance_is_told_once_and_counted_exactly(session, config):
    ended(session, config, accepted=40, refused=20)
    assert looked(session) == [(FALLING, 20, False)]
    ended(session, config, refused=7)
    assert looked(session) == [(FALLING, 27, False)]
    assert len(session.scalars(select(AlertNotice)).all()) == 1


@pytest.mark.parametrize(("accepted", "refused"), [(0, 19), (100, 30)], ids=["few", "a-small-share"])
def test_few_refusals_are_nobodys_alert(session, config, accepted, refused):
    ended(session, config, accepted=accepted, refused=refused)
    assert looked(session) == []


def test_falling_acceptance_is_over_when_the_last_hour_was_good(session, config):
    ended(session, config, refused=25)
    assert looked(session) == [(FALLING, 25, False)]
    session.execute(update(Message).values(finished_at=utcnow() - timedelta(minutes=61)))
    ended(session, config, accepted=20, refused=1)
    assert looked(session) == [(FALLING, 25, True)]


def test_each_setup_is_looked_at_by_itself(session, config, workspace):
    other = make_config(session, workspace, is_default=False)
    ended(session, config, refused=22)
    ended(session, other, accepted=22)
    assert looked(session) == [(FALLING, 22, False)]
    assert session.scalars(select(Alert)).one().subject_key == f"outbound:{config.id}"
