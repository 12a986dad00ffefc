"""Row ids: made before the insert, so that sealed values can name their row."""

from __future__ import annotations

import secrets
import time
import uuid
from datetime import datetime


def new_id() -> uuid.UUID:
    """A UUID version 7 (RFC 9562 section 5.7): ordered by time, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & ((1 << 48) - 1)) << 80 | secrets.randbits(80)
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return uuid.UUID(int=value)


def first_id_at(moment: datetime) -> uuid.UUID:
    """The smallest id made at this moment: ids are ordered by time."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)
