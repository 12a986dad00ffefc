"""How much mail was accepted and failed: per hour of the last day, per day of the last month."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from sqlalchemy import ColumnElement, String, cast, func, select
from sqlalchemy.orm import Session

from mailsetup.outbox.models import EXPIRED, FAILED, SENT, Message

HOURS, DAYS = 24, 30
Counts = Counter[tuple[datetime, bool]]


@dataclass(frozen=True)
class Bar:
    """One hour or one day."""

    begins: datetime
    accepted: int
    failed: int


def count_hours(session: Session, workspace_id: uuid.UUID, now: datetime) -> Counts:
    """How many mails ended in each hour of the last month, by (hour, whether accepted); one query."""
    since = now - timedelta(days=DAYS + 1)
    hour = _hour(session).label("hour")
    query = (
        select(hour, Message.status, func.count())
        .where(Message.workspace_id == workspace_id, Message.finished_at >= since)
        .where(Message.finished_at.is_not(None), Message.status.in_((SENT, FAILED, EXPIRED)))
        .group_by(hour, Message.status)
    )
    counts: Counts = Counter()
    for text, status, number in session.execute(query):
        counts[datetime.strptime(text, "%Y-%m-%d %H").replace(tzinfo=UTC), status == SENT] += number
    return counts


def _hour(session: Session) -> ColumnElement[str]:
    if session.get_bind().dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", Message.finished_at), "YYYY-MM-DD HH24", type_=String)
    return func.substr(cast(Message.finished_at, String), 1, 13, type_=String)


def last_hours(counts: Counts, now: datetime) -> list[Bar]:
    """The last 24 hours, the one that runs now last."""
    current = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [current - timedelta(hours=back) for back in range(HOURS - 1, -1, -1)]
    return [Bar(hour, counts[hour, True], counts[hour, False]) for hour in hours]


def last_days(counts: Counts, now: datetime, zone: tzinfo) -> list[Bar]:
    """The last 30 days as the person's calendar has them, today last."""
    today = now.astimezone(zone).date()
    by_day: Counter[tuple[object, bool]] = Counter()
    for (hour, accepted), number in counts.items():
        by_day[hour.astimezone(zone).date(), accepted] += number
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    begins = [datetime(day.year, day.month, day.day, tzinfo=zone) for day in days]
    return [Bar(begin, by_day[day, True], by_day[day, False]) for day, begin in zip(days, begins, strict=True)]
