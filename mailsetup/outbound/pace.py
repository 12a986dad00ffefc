"""How much went through a mailbox lately, in small buckets: what is counted is forgotten late, never early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Buckets = Sequence[Sequence[Any]]  # [[start in seconds since 1970, how many]], oldest first; kept as JSON


@dataclass(frozen=True)
class Window:
    """A sliding span of time, in seconds, and how finely it is counted."""

    seconds: int
    bucket: int

    def alive(self, spent: Buckets, now: datetime) -> list[list[int]]:
        """The buckets that still count."""
        oldest = now.timestamp() - self.seconds - self.bucket
        return [[int(start), int(number)] for start, number in spent if start > oldest]

    def used(self, spent: Buckets, now: datetime) -> int:
        """How many went through within the window."""
        return sum(number for _start, number in self.alive(spent, now))

    def added(self, spent: Buckets, now: datetime, number: int) -> list[list[int]]:
        """The buckets with these counted too."""
        kept = self.alive(spent, now)
        start = int(now.timestamp()) // self.bucket * self.bucket
        if kept and kept[-1][0] == start:
            kept[-1][1] += number
        elif number:
            kept.append([start, number])
        return kept

    def taken_back(self, spent: Buckets, now: datetime, number: int) -> list[list[int]]:
        """The buckets without these, which were counted and did not go."""
        kept = self.alive(spent, now)
        for bucket in reversed(kept):
            less = min(bucket[1], number)
            bucket[1] -= less
            number -= less
        return [bucket for bucket in kept if bucket[1]]

    def room_at(self, spent: Buckets, now: datetime, limit: int) -> datetime:
        """When the window holds fewer than `limit` again."""
        kept = self.alive(spent, now)
        used = sum(number for _start, number in kept)
        for start, number in kept:
            if used < limit:
                break
            used -= number
            now = datetime.fromtimestamp(start + self.seconds + self.bucket, UTC)
        return now


MINUTE = Window(60, 5)
DAY = Window(24 * 3600, 3600)
