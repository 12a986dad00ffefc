"""What ends when: the typed date or the certificate, whichever is first."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from mailsetup.credentials.expiry import EXPIRED, OK, SOON, expiry
from mailsetup.credentials.models import Credential

TODAY = date(2026, 11, 21)


def of(typed=None, certificate=None):
    public = {"certificate_expires": certificate.isoformat()} if certificate else {}
    return expiry(Credential(expires_on=typed), public, today=TODAY)


@pytest.mark.parametrize(("days", "state"), [(-1, EXPIRED), (0, SOON), (1, SOON), (30, SOON), (31, OK), (400, OK)])
def test_it_is_soon_for_the_last_thirty_days(days, state):
    found = of(typed=TODAY + timedelta(days=days))
    assert (found.state, found.days_left) == (state, days)


def test_it_takes_the_earlier_of_date_and_certificate():
    early, late = TODAY + timedelta(days=5), TODAY + timedelta(days=90)
    assert (of(early, late).day, of(early, late).by_certificate) == (early, False)
    assert (of(late, early).day, of(late, early).by_certificate) == (early, True)
    assert of(None, early).by_certificate


def test_it_says_nothing_where_nobody_gave_a_date():
    assert (of().day, of().state, of().days_left) == (None, OK, None)
