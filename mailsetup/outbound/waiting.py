"""How many mails wait for a setup; the outbox counts them, and says how by registering."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

Counter = Callable[[Session, Sequence[uuid.UUID]], dict[uuid.UUID, int]]
_counters: list[Counter] = []


def register(counter: Counter) -> Counter:
    """Adds a source of waiting mail; registering it again changes nothing."""
    if counter not in _counters:
        _counters.append(counter)
    return counter


def count_waiting(session: Session, config_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many mails wait for each of these setups; every id has an entry."""
    counts = dict.fromkeys(config_ids, 0)
    for counter in _counters if config_ids else ():
        for config_id, number in counter(session, config_ids).items():
            counts[config_id] = counts.get(config_id, 0) + number
    return counts
