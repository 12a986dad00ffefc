"""Dates, times, sizes and links as templates show them, in the person's own locale and time zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, format_timedelta
from flask import Flask, g, has_request_context, request
from markupsafe import Markup, escape

from mailsetup.core.clock import utcnow
from mailsetup.web.frame import current_frame
from mailsetup.web.paths import safe_url

DEFAULT_LOCALE = "en_US"
RELATIVE_DAYS = 7
UNITS = (("KB", 10**3), ("MB", 10**6), ("GB", 10**9))
_ADDRESS = re.compile(r"https://[^\s<>\"'`\\]+")
_COMMAND = re.compile(r"\b[A-Z][a-z]+-[A-Z]\w+(?: -[A-Z]\w+ [\w.$@+-]+)+")
_TRAILING = ".,;:!?)"
LINK_SHOWN = 60


def person_locale() -> Locale:
    """The locale of the person: their own setting, else what the browser asks for, else American English."""
    if not has_request_context():
        return Locale.parse(DEFAULT_LOCALE)
    # A page with a chart asks hundreds of times.
    if "locale" not in g:
        wanted = [current_frame().locale, *(tag for tag, _ in request.accept_languages)]
        g.locale = next(filter(None, map(_locale, wanted)), Locale.parse(DEFAULT_LOCALE))
    found: Locale = g.locale
    return found


@lru_cache(maxsize=256)
def _locale(tag: str) -> Locale | None:
    if not tag or tag == "*":
        return None
    try:
        found = Locale.parse(tag.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return None
    return Locale.parse(DEFAULT_LOCALE) if str(found) == "en" else found


def person_zone() -> tzinfo:
    """The time zone of the person; UTC while it is not known."""
    return _zone(current_frame().timezone)


@lru_cache(maxsize=256)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def aware(value: datetime) -> datetime:
    """The moment with a time zone; one without is taken as UTC."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def show_date(value: date | datetime | None) -> str:
    """A date such as 11/21/2026 or 21.11.2026; a moment's date is the one in the person's time zone."""
    if value is None:
        return ""
    day = aware(value).astimezone(person_zone()).date() if isinstance(value, datetime) else value
    locale = person_locale()
    # Americans write 03/05/2026; every other locale's own short form has a four-digit year already.
    text = (
        format_date(day, "MM/dd/y", locale)
        if locale.territory == "US"
        else format_skeleton("yMd", day, None, locale=locale)
    )
    return _plain_spaces(text)


def show_clock(value: datetime | None) -> str:
    """A time of day such as 3:05 PM or 15:05."""
    if value is None:
        return ""
    local = aware(value).astimezone(person_zone())
    return _plain_spaces(format_time(local.time(), "short", locale=person_locale()))


def show_time(value: datetime | None) -> str:
    """A moment such as 11/21/2026, 3:05 PM."""
    return f"{show_date(value)}, {show_clock(value)}" if value else ""


def show_zoned(value: datetime | None) -> str:
    """A moment with its time zone, for places where it stands alone."""
    return f"{show_time(value)} ({getattr(person_zone(), 'key', 'UTC')})" if value else ""


def show_relative(value: datetime | None) -> str:
    """How long ago or ahead, in words; the date once it is more than a week away."""
    if value is None:
        return ""
    distance = aware(value) - utcnow()
    if abs(distance) > timedelta(days=RELATIVE_DAYS):
        return show_date(value)
    if abs(distance) < timedelta(seconds=10):
        return "just now"
    # The words around it are English, so these are too, whatever the locale of the numbers.
    return format_timedelta(distance, add_direction=True, threshold=1.5, locale="en")


def machine_time(value: datetime | None) -> str:
    """The moment as ISO 8601 in UTC, for `datetime` attributes."""
    return aware(value).astimezone(UTC).isoformat(timespec="seconds") if value else ""


def show_duration(milliseconds: float | None) -> str:
    """How long something took: 340 ms, 1.2 s, 2 min 5 s."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 59_950:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes} min {seconds} s"


def show_size(count: float | None) -> str:
    """A number of bytes in the unit a person would choose: 812 bytes, 14 KB, 2.5 MB."""
    if count is None:
        return ""
    if count < 1000:
        return f"{count:.0f} byte{'' if count == 1 else 's'}"
    unit = next((name for name, factor in UNITS if count < 999.5 * factor), UNITS[-1][0])
    amount = count / dict(UNITS)[unit]
    return f"{f'{amount:.1f}'.removesuffix('.0') if amount < 10 else f'{amount:.0f}'} {unit}"


def linked(text: object) -> Markup:
    """A text with its https addresses as links that open beside this page, commands as such, all else escaped."""
    source, parts, done = str(text or ""), [], 0
    for found in _ADDRESS.finditer(source):
        address = found[0].rstrip(_TRAILING)
        parts += [_with_commands(source[done : found.start()]), _link(address)]
        done = found.start() + len(address)
    return Markup("").join([*parts, _with_commands(source[done:])])


def _with_commands(text: str) -> Markup:
    """PowerShell commands with their options, set apart so that they are copied whole."""
    parts, done = [], 0
    for found in _COMMAND.finditer(text):
        parts += [escape(text[done : found.start()]), Markup("<code>{}</code>").format(found[0])]
        done = found.end()
    return Markup("").join([*parts, escape(text[done:])])


def _link(address: str) -> Markup:
    if not safe_url(address):
        return escape(address)
    return Markup(
        '<a href="{}" target="_blank" rel="noopener noreferrer">{}'
        '<span class="sr-only"> (opens in a new tab)</span></a>'
    ).format(address, _readable(address))


def _readable(address: str) -> str:
    """Where a link leads, without the part that only a browser reads."""
    host, _, path = address.removeprefix("https://").partition("/")
    return f"{host}/…" if len(address) > LINK_SHOWN else f"{host}/{path}".rstrip("/")


def _plain_spaces(text: str) -> str:
    # CLDR puts a narrow no-break space before AM and PM, which breaks searching and copying.
    return text.replace("\u202f", " ").replace("\u00a0", " ")


FILTERS = {
    "date": show_date,
    "clock": show_clock,
    "datetime": show_time,
    "zoned": show_zoned,
    "relative": show_relative,
    "machine_time": machine_time,
    "duration": show_duration,
    "size": show_size,
    "linked": linked,
    "safe_url": safe_url,
}


def install_filters(app: Flask) -> None:
    """Gives the filters to every template."""
    app.jinja_env.filters.update(FILTERS)
