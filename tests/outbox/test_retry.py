"""When a mail is tried again."""

import pytest

from mailsetup.outbox import retry


@pytest.mark.parametrize(("step", "minutes"), [(1, 1), (2, 5), (3, 15), (4, 60), (5, 60), (40, 60)])
def test_it_waits_longer_each_time_up_to_an_hour(step, minutes):
    waited = retry.message_delay(step).total_seconds() / 60
    assert minutes <= waited <= minutes * (1 + retry.JITTER)


def test_it_spreads_mail_that_failed_together():
    assert len({retry.message_delay(4) for _ in range(20)}) > 1
    assert len({retry.setup_delay(2) for _ in range(20)}) > 1
