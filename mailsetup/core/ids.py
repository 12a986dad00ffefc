"""Row ids: made before the insert, so that sealed values can name their row."""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from datetime import datetime

_RANDOM_BITS, _LOW_BITS, _STEP_BITS = 74, 62, 40


class _Last(threading.local):
    """Milliseconds and random bits of a thread's last id. No lock: a process may fork while another thread holds it."""

    value = 0


_last = _Last()


def new_id() -> uuid.UUID:
    """A UUID version 7 (RFC 9562 section 5.7): ordered by time, and the ids of one thread always by their making.

    Rows of one transaction are often made within a millisecond, and lists are sorted by id: there the random bits
    count on by a random step (section 6.2, method 2).
    """
    milliseconds = time.time_ns() // 1_000_000
    if milliseconds == _last.value >> _RANDOM_BITS:
        _last.value += 1 + secrets.randbits(_STEP_BITS)
    else:
        _last.value = milliseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS - 1)
    return _uuid(_last.value)


def _uuid(value: int) -> uuid.UUID:
    """The value with version and variant put between its bits."""
    high, low = value >> _LOW_BITS, value & ((1 << _LOW_BITS) - 1)
    milliseconds, twelve = high >> 12, high & 0xFFF
    return uuid.UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | twelve << 64 | 0x2 << 62 | low)


def first_id_at(moment: datetime) -> uuid.UUID:
    """The smallest id made at this moment: ids are ordered by time."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)
