"""How much mail was accepted and failed: per hour of the last day, per day of the last month."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from sqlalchemy.orm import Session

from mailsetup.outbox import hours
from mailsetup.outbox.hours import Counts

HOURS, DAYS = 24, 30


@dataclass(frozen=True)
class Bar:
    """One hour or one day."""

    begins: datetime
    accepted: int
    failed: int


def count_hours(session: Session, workspace_id: uuid.UUID, now: datetime) -> Counts:
    """How many mails ended in each hour of the last month, by (hour, whether accepted)."""
    return hours.count_hours(session, workspace_id, now - timedelta(days=DAYS + 1))


def last_hours(counts: Counts, now: datetime) -> list[Bar]:
    """The last 24 hours, the one that runs now last."""
    current = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    begins = [current - timedelta(hours=back) for back in range(HOURS - 1, -1, -1)]
    return [Bar(hour, counts[hour, True], counts[hour, False]) for hour in begins]


def last_days(counts: Counts, now: datetime, zone: tzinfo) -> list[Bar]:
    """The last 30 days as the person's calendar has them, today last."""
    today = now.astimezone(zone).date()
    by_day: Counter[tuple[object, bool]] = Counter()
    for (hour, accepted), number in counts.items():
        by_day[hour.astimezone(zone).date(), accepted] += number
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    begins = [datetime(day.year, day.month, day.day, tzinfo=zone) for day in days]
    return [Bar(begin, by_day[day, True], by_day[day, False]) for day, begin in zip(days, begins, strict=True)]
