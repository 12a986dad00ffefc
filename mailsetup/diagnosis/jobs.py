"""What RQ calls for diagnosis."""

from __future__ import annotations

import uuid

from mailsetup.diagnosis.conduct import claim, conduct


def run_test(run_id: str) -> None:
    """Runs one test; called again for the same run it does nothing."""
    run = claim(uuid.UUID(run_id))
    if run is not None:
        conduct(run)
