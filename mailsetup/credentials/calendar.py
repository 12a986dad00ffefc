"""Last days as an iCalendar file (RFC 5545), with nothing in it that is secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

from mailsetup.credentials.deadlines import IDLE, Deadline

CONTENT_TYPE = "text/calendar; charset=utf-8"
REMIND_DAYS = (30, 7, 1)
LINE_OCTETS = 75
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None})


def calendar_file(deadlines: Sequence[Deadline], *, name: str, base_url: str, now: datetime) -> bytes:
    """The calendar of these last days, each a whole-day event with reminders."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//mailsetup//Last days//EN", "CALSCALE:GREGORIAN"]
    lines += ["METHOD:PUBLISH", f"NAME:{_text(name)}", f"X-WR-CALNAME:{_text(name)}"]
    # RFC 7986 section 5.7: how often a subscriber looks again.
    lines += ["REFRESH-INTERVAL;VALUE=DURATION:P1D", "X-PUBLISHED-TTL:P1D"]
    for deadline in deadlines:
        lines += _event(deadline, base_url, now)
    return b"".join(_folded(line) for line in [*lines, "END:VCALENDAR"])


def _event(deadline: Deadline, base_url: str, now: datetime) -> Iterator[str]:
    host = urlsplit(base_url).hostname or "localhost"
    yield "BEGIN:VEVENT"
    # The same thing keeps its UID when its day moves, so that subscribers see it move.
    yield f"UID:{deadline.kind}-{deadline.credential_id}@{host}"
    yield f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"DTSTART;VALUE=DATE:{_day(deadline.day)}"
    yield f"DTEND;VALUE=DATE:{_day(deadline.day + timedelta(days=1))}"
    yield f"SUMMARY:{_text(summary(deadline))}"
    yield f"DESCRIPTION:{_text(_description(deadline))}"
    yield f"URL:{base_url}{deadline.path}"
    yield "TRANSP:TRANSPARENT"
    yield "STATUS:CONFIRMED"
    for days in REMIND_DAYS:
        yield from ("BEGIN:VALARM", "ACTION:DISPLAY", f"TRIGGER:-P{days}D")
        yield from (f"DESCRIPTION:{_text(summary(deadline))}", "END:VALARM")
    yield "END:VEVENT"


def summary(deadline: Deadline) -> str:
    """What ends, in one line."""
    if deadline.kind == IDLE:
        return f"Sign-in “{deadline.label}” ends unless it is used before"
    return f"Last day of the {deadline.what.lower()} of “{deadline.label}”"


def _description(deadline: Deadline) -> str:
    used = ", ".join(use.label for use in deadline.uses)
    told = f"Used by: {used}." if used else "Nothing uses it."
    if deadline.kind == IDLE:
        return f"{told}\nWe use it every week by ourselves, and the day moves with that."
    return f"{told}\nRenew it before that day, so that no mail waits."


def _day(day: date) -> str:
    return f"{day:%Y%m%d}"


def _text(text: str) -> str:
    """A value of type TEXT (RFC 5545 section 3.3.11)."""
    return text.translate(_ESCAPES)


def _folded(line: str) -> bytes:
    """A content line of at most 75 octets a piece, never cut inside a character (RFC 5545 section 3.1)."""
    pieces: list[bytes] = []
    piece = b""
    for character in line:
        octets = character.encode()
        if len(piece) + len(octets) > LINE_OCTETS:
            pieces.append(piece)
            piece = b" "
        piece += octets
    return b"\r\n".join([*pieces, piece]) + b"\r\n"


def feed_file(deadlines: Iterable[Deadline], *, workspace: str, base_url: str, now: datetime) -> bytes:
    """The calendar of a workspace."""
    return calendar_file(list(deadlines), name=f"Mail credentials of {workspace}", base_url=base_url, now=now)
