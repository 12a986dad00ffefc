"""When a receiver is called again."""

from __future__ import annotations

import random
from datetime import timedelta

# The first tries follow soon: most receivers that fail are only being deployed.
SECONDS = (5, 10, 20, 40, 60, 60, 60, 60, 120, 120, 120, 300)
JITTER = 0.1
LONGEST_ASKED = timedelta(hours=1)


def endpoint_delay(failures: int, asked: float | None = None) -> timedelta:
    """The pause of a receiver after `failures` in a row, at least what it asked for (up to an hour)."""
    ours = SECONDS[min(max(failures, 1), len(SECONDS)) - 1] * (1 + random.uniform(0, JITTER))  # noqa: S311 - spreads load
    return max(timedelta(seconds=ours), min(timedelta(seconds=asked or 0), LONGEST_ASKED))


def event_delay(attempts: int) -> timedelta:
    """The pause of one event that the receiver answered with a refusal."""
    return endpoint_delay(attempts) * 2
