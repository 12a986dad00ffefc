"""How many mails ended in each hour: counted once an hour is over, so that a page need not count a million rows."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, String, cast, delete, func, insert, select, update
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.outbox.models import EXPIRED, FAILED, SENT, MailHour, Mark, Message

MARK = "mail_hours"
# A worker may write late what it learned earlier; an hour is counted when that is over.
MARGIN = timedelta(minutes=15)
KEPT = timedelta(days=32)
Counts = Counter[tuple[datetime, bool]]


def hour_of(moment: datetime) -> datetime:
    """The hour in which this moment lies, in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def roll_up(session: Session) -> int:
    """Counts the hours that are over since the last time; how many rows that made. Twice has the effect of once."""
    now = utcnow()
    mark = session.get(Mark, MARK, with_for_update=True)
    since = mark.until if mark else hour_of(now - KEPT)
    until = hour_of(now - MARGIN)
    if until <= since:
        return 0
    rows = _rows(session, since, until)
    session.execute(delete(MailHour).where((MailHour.hour >= since) | (MailHour.hour < now - KEPT)))
    if rows:
        session.execute(insert(MailHour), rows)
    session.merge(Mark(name=MARK, until=until))
    return len(rows)


def _rows(session: Session, since: datetime, until: datetime) -> list[dict[str, object]]:
    found: dict[tuple[uuid.UUID, datetime], dict[str, int]] = {}
    hour = _hour(session).label("hour")
    query = select(Message.workspace_id, hour, Message.status, func.count()).where(*_ended(since, until))
    for workspace_id, text, status, number in session.execute(
        query.group_by(Message.workspace_id, hour, Message.status)
    ):
        row = found.setdefault((workspace_id, _parsed(text)), {"accepted": 0, "failed": 0})
        row["accepted" if status == SENT else "failed"] += number
    return [{"workspace_id": workspace, "hour": moment, **row} for (workspace, moment), row in found.items()]


def _ended(since: datetime, until: datetime | None = None) -> list[ColumnElement[bool]]:
    # "IS NOT NULL" is spelled out: it is what the index over ended mail is about.
    ended = [Message.finished_at.is_not(None), Message.finished_at >= since]
    ended.append(Message.status.in_((SENT, FAILED, EXPIRED)))
    return ended if until is None else [*ended, Message.finished_at < until]


def _hour(session: Session) -> ColumnElement[str]:
    if session.get_bind().dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", Message.finished_at), "YYYY-MM-DD HH24", type_=String)
    return func.substr(cast(Message.finished_at, String), 1, 13, type_=String)


def _parsed(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H").replace(tzinfo=UTC)


def count_hours(session: Session, workspace_id: uuid.UUID, since: datetime) -> Counts:
    """How many mails of the workspace ended in each hour, by (hour, whether accepted): kept figures, and the rest."""
    since = hour_of(since)
    counted_until = max(session.scalar(select(Mark.until).where(Mark.name == MARK)) or since, since)
    kept = select(MailHour.hour, MailHour.accepted, MailHour.failed).where(
        MailHour.workspace_id == workspace_id, MailHour.hour >= since, MailHour.hour < counted_until
    )
    counts: Counts = Counter()
    for moment, accepted, failed in session.execute(kept):
        counts[moment, True] += accepted
        counts[moment, False] += failed
    hour = _hour(session).label("hour")
    query = select(hour, Message.status, func.count()).where(
        Message.workspace_id == workspace_id, *_ended(counted_until)
    )
    for text, status, number in session.execute(query.group_by(hour, Message.status)):
        counts[_parsed(text), status == SENT] += number
    return counts


def taken_back(session: Session, message: Message) -> None:
    """A mail that had failed is sent once more: its hour forgets that it failed."""
    if message.finished_at is None or message.status not in {FAILED, EXPIRED}:
        return
    mine = MailHour.workspace_id == message.workspace_id, MailHour.hour == hour_of(message.finished_at)
    session.execute(update(MailHour).where(*mine, MailHour.failed > 0).values(failed=MailHour.failed - 1))
