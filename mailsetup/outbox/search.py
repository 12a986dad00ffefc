"""Finds messages of a workspace, newest first, a page at a time; the page and the API ask the same way."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from mailsetup.core.errors import InvalidInput
from mailsetup.core.ids import first_id_at
from mailsetup.outbox.models import STATUSES, Message

PAGE = 50
LONGEST = 200


@dataclass(frozen=True)
class Filter:
    """What a page of messages is narrowed to; an empty entry narrows nothing."""

    status: str = ""
    config_id: uuid.UUID | None = None
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def narrows(self) -> bool:
        """Whether anything is left out."""
        return any((self.status, self.config_id, self.text, self.since, self.until, self.metadata))


@dataclass(frozen=True)
class Page:
    """Some messages, and the cursor of those after them; none on the last page."""

    rows: Sequence[Message]
    next_cursor: str | None


def search(session: Session, workspace_id: uuid.UUID, wanted: Filter, *, cursor: str = "", limit: int = PAGE) -> Page:
    """A page of the workspace's messages. Raises InvalidInput for a cursor that is none of ours."""
    query = select(Message).where(Message.workspace_id == workspace_id, *_conditions(wanted))
    if cursor:
        query = query.where(Message.id < parse_id(cursor, name="cursor"))
    rows = session.scalars(query.order_by(Message.id.desc()).limit(limit + 1)).all()
    more = len(rows) > limit
    return Page(rows[:limit], str(rows[limit - 1].id) if more else None)


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.status:
        found.append(Message.status == wanted.status)
    if wanted.config_id:
        found.append(Message.config_id == wanted.config_id)
    # Ids are ordered by time, so a span of time is a span of the index.
    if wanted.since:
        found.append(Message.id >= first_id_at(wanted.since))
    if wanted.until:
        found.append(Message.id < first_id_at(wanted.until))
    if wanted.text:
        found.append(_matches(wanted.text))
    found += [Message.message_metadata[name].as_string() == value for name, value in wanted.metadata.items()]
    return found


def _matches(text: str) -> ColumnElement[bool]:
    try:
        return Message.id == uuid.UUID(text)
    except ValueError:
        pass
    if text.startswith("<") and text.endswith(">"):
        return Message.message_id == text
    return or_(
        Message.recipients_text.contains(text.lower(), autoescape=True),
        Message.subject.icontains(text, autoescape=True),
    )


def parse_id(text: str, *, name: str) -> uuid.UUID:
    """The id in a query value. Raises InvalidInput at `name`."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidInput({name: "This is not an id."}) from None


def parse_status(text: str) -> str:
    """One of the states. Raises InvalidInput."""
    if text and text not in STATUSES:
        raise InvalidInput({"status": f"Choose one of {', '.join(STATUSES)}."})
    return text


def parse_text(text: str, *, name: str) -> str:
    """Something to look for. Raises InvalidInput when it is far too long or cannot be in any message."""
    text = text.strip()
    if len(text) > LONGEST or "\x00" in text:
        raise InvalidInput({name: f"Give at most {LONGEST} characters to look for."})
    return text


def parse_time(text: str, *, name: str, end: bool = False) -> datetime | None:
    """A date, or a time with its zone; the `end` of a date is the midnight after it. Raises InvalidInput."""
    if not text:
        return None
    try:
        found = _day(text, end=end) if len(text) == len("2027-03-31") else datetime.fromisoformat(text)
        if found.tzinfo is None or found.year < 1971:
            raise ValueError
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput({name: "Give a date like 2027-03-31, or a time with its zone."}) from None


def _day(text: str, *, end: bool) -> datetime:
    day = datetime.combine(date.fromisoformat(text), time(), UTC)
    return day + timedelta(days=1) if end else day
