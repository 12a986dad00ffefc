"""The languages of dates and numbers, and the time zones, that a person can choose."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.dates import format_date, format_time

from mailsetup.core.clock import utcnow
from mailsetup.core.errors import InvalidInput

LOCALES = (
    "en_US", "en_GB", "en_AU", "en_CA", "en_IE", "en_IN", "en_NZ", "en_ZA",
    "cs_CZ", "da_DK", "de_AT", "de_CH", "de_DE", "es_ES", "es_MX", "fi_FI", "fr_BE", "fr_CA", "fr_CH", "fr_FR",
    "hu_HU", "it_IT", "ja_JP", "ko_KR", "nb_NO", "nl_BE", "nl_NL", "pl_PL", "pt_BR", "pt_PT", "ro_RO", "sv_SE",
    "tr_TR", "zh_CN",
)  # fmt: skip
REGIONS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
_EXAMPLE = datetime(2026, 11, 21, 15, 5)  # noqa: DTZ001 - an example on the wall, in no zone


@lru_cache(maxsize=1)
def locale_choices() -> tuple[tuple[str, str], ...]:
    """Each locale with its name and what a moment looks like in it."""
    return tuple((code, _described(Locale.parse(code))) for code in LOCALES)


def _described(locale: Locale) -> str:
    pattern = "MM/dd/y" if locale.territory == "US" else "short"
    day = format_date(_EXAMPLE, pattern, locale=locale)
    clock = format_time(_EXAMPLE, "short", locale=locale)
    return f"{locale.get_display_name('en')}: {day}, {clock}".replace("\u202f", " ").replace("\u00a0", " ")


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """The IANA names of the zones offered, and UTC."""
    return frozenset(name for name in available_timezones() if name.startswith(tuple(f"{r}/" for r in REGIONS))) | {
        "UTC"
    }


def zone_choices() -> list[tuple[str, str]]:
    """Each zone with the difference to UTC that it has now, from west to east."""
    now = utcnow()
    rows = [(now.astimezone(ZoneInfo(name)).utcoffset() or timedelta(), name) for name in zones()]
    return [(name, f"{_offset(offset)} {name.replace('_', ' ')}") for offset, name in sorted(rows)]


def _offset(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


def check_locale(code: str) -> str:
    """The code, or nothing for "as my browser asks". Raises InvalidInput."""
    if code and code not in LOCALES:
        raise InvalidInput({"locale": "Choose one of the languages in the list."})
    return code


def check_zone(name: str) -> str:
    """The zone, or nothing for UTC. Raises InvalidInput."""
    if name and name not in zones():
        raise InvalidInput({"timezone": "Choose one of the time zones in the list."})
    return name
