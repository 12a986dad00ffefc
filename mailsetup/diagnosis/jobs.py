"""What RQ calls for diagnosis."""

from __future__ import annotations

import uuid

from mailsetup.diagnosis import arrival, domains
from mailsetup.diagnosis.conduct import claim, conduct


def run_test(run_id: str) -> None:
    """Runs one test; called again for the same run it does nothing."""
    run = claim(uuid.UUID(run_id))
    if run is not None:
        conduct(run)


def look_for_mail(run_id: str) -> None:
    """Looks whether the mail of a test arrived."""
    arrival.look(uuid.UUID(run_id))


def check_domain(report_id: str) -> None:
    """Asks the DNS about the domain of a sender."""
    domains.check(uuid.UUID(report_id))
