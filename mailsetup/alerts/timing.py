"""When a notice may leave: quiet hours, and times at which several go out together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mailsetup.alerts.models import DAILY, ERROR, HOURLY, AlertRoute

DAILY_HOUR = 8


def zone_named(name: str) -> tzinfo:
    """The time zone of this name; UTC for none, or one that this machine does not know."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def due_at(route: AlertRoute, severity: str, now: datetime, zone: tzinfo) -> datetime:
    """When a notice of this severity goes out by this route."""
    due = _together(route.digest, now, zone)
    held = route.quiet_errors or severity != ERROR
    return _after_quiet(route, due, zone) if held else due


def _together(digest: str, now: datetime, zone: tzinfo) -> datetime:
    if digest == HOURLY:
        return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if digest == DAILY:
        return _next(now, f"{DAILY_HOUR:02}:00", zone)
    return now


def _next(now: datetime, time_of_day: str, zone: tzinfo) -> datetime:
    """The next moment at which the clocks of the zone show this."""
    hour, minute = map(int, time_of_day.split(":"))
    local = now.astimezone(zone)
    found = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (found if found > local else found + timedelta(days=1)).astimezone(UTC)


def _after_quiet(route: AlertRoute, due: datetime, zone: tzinfo) -> datetime:
    if not route.quiet_from or not route.quiet_until:
        return due
    clock = due.astimezone(zone).strftime("%H:%M")
    begin, end = route.quiet_from, route.quiet_until
    quiet = begin <= clock < end if begin <= end else clock >= begin or clock < end
    return _next(due, end, zone) if quiet else due
