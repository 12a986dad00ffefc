"""When a mail is tried again."""

from __future__ import annotations

import random
from datetime import timedelta

MESSAGE_MINUTES = (1, 5, 15, 60)
SETUP_SECONDS = (30, 60, 300, 900)
JITTER = 0.1


def message_delay(step: int) -> timedelta:
    """The pause after the mail's own failure number `step`, from 1: 1, 5, 15, 60 min, then hourly, with jitter."""
    minutes = MESSAGE_MINUTES[min(max(step, 1), len(MESSAGE_MINUTES)) - 1]
    return timedelta(minutes=minutes * _jitter())


def setup_delay(failures: int) -> timedelta:
    """The pause of a whole setup after its service failed `failures` times in a row."""
    seconds = SETUP_SECONDS[min(max(failures, 1), len(SETUP_SECONDS)) - 1]
    return timedelta(seconds=seconds * _jitter())


def _jitter() -> float:
    return 1 + random.uniform(0, JITTER)  # noqa: S311 - spreads load, guards nothing
