"""Once, then quiet: how often in an hour a workspace hears of one cause, and what then goes out in one piece.

One telling is an event of an alert by all its ways: five ways that hear of one alert are told once.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import (
    AT_ONCE,
    OPENED,
    PENDING,
    REMINDED,
    RESOLVED,
    SENDING,
    SENT,
    TESTED,
    Alert,
    AlertNotice,
)
from mailsetup.core.clock import utcnow

HOUR = timedelta(hours=1)
HOURLY_LIMIT = 3
GATHERED = 100
ALERT_EVENTS = (OPENED, REMINDED, RESOLVED)
WORDS = f"Waits: notices about this went out {HOURLY_LIMIT} times within an hour. The next one says all of it."
_SOON = timedelta(seconds=10)


def gathers(notice: AlertNotice) -> bool:
    """Whether its route sends what there is at set times, rather than at once."""
    return notice.route is not None and notice.route.digest != AT_ONCE


def telling_of(notice: AlertNotice) -> str:
    """What the limit counts: the same for all ways by which one event is told; nothing for what comes at set times."""
    limited = notice.event in ALERT_EVENTS and not gathers(notice)
    return f"{notice.alert_id}:{notice.event}" if limited else ""


def gathered_with(session: Session, notice: AlertNotice) -> list[uuid.UUID]:
    """What is due by the same way now and goes out together with this notice: about its cause, or about anything."""
    if notice.alert is None or notice.event == TESTED:
        return []
    due = (
        select(AlertNotice.id)
        .join(Alert, Alert.id == AlertNotice.alert_id)
        .where(
            AlertNotice.workspace_id == notice.workspace_id,
            AlertNotice.channel == notice.channel,
            AlertNotice.target == notice.target,
            AlertNotice.route_id == notice.route_id,
            AlertNotice.event.in_(ALERT_EVENTS),
            AlertNotice.state == PENDING,
            AlertNotice.next_attempt_at <= utcnow(),
        )
    )
    if not gathers(notice):
        # What failed together is tried together, and takes nothing that is new along into its next wait.
        due = due.where(Alert.cause == notice.alert.cause, AlertNotice.attempts == notice.attempts - 1)
    return list(session.scalars(due.order_by(AlertNotice.created_at, AlertNotice.id).limit(GATHERED)))


def room_at(session: Session, notice: AlertNotice, alert: Alert, now: datetime) -> datetime | None:
    """When the workspace, or this way alone, may hear of this cause again; None for now."""
    if gathers(notice):
        return None
    recent = [row for row in _recent(session, notice, alert, now) if row.cause == cause_of(alert)]
    if any((row.alert_id, row.event) == (notice.alert_id, notice.event) for row in recent):
        # It is being told, only not by this way yet: then only what went this way counts.
        recent = [row for row in recent if row.way == (notice.channel, notice.target.lower())]
    last: dict[str, datetime] = {}
    for row in recent:
        last[row.telling] = max(row.at, last.get(row.telling, row.at))
    times = sorted(last.values())
    return None if len(times) < HOURLY_LIMIT else max(times[-HOURLY_LIMIT] + HOUR, now + _SOON)


@dataclass(frozen=True)
class _Told:
    """A notice of the last hour, or one that is on its way."""

    telling: str
    alert_id: uuid.UUID
    event: str
    way: tuple[str, str]
    at: datetime
    cause: str


def _recent(session: Session, notice: AlertNotice, alert: Alert, now: datetime) -> list[_Told]:
    gone = (AlertNotice.state == SENDING) | ((AlertNotice.state == SENT) & (AlertNotice.sent_at > now - HOUR))
    at = func.coalesce(AlertNotice.sent_at, AlertNotice.lease_until)
    columns = AlertNotice.telling, Alert.id, AlertNotice.event, AlertNotice.channel, AlertNotice.target, at
    query = (
        select(*columns, Alert.explanation)
        .join(Alert, Alert.id == AlertNotice.alert_id)
        .where(AlertNotice.workspace_id == notice.workspace_id, AlertNotice.telling != "", gone)
        .where(Alert.cause == alert.cause)
    )
    return [
        _Told(telling, alert_id, event, (channel, target.lower()), moment, _cause(said, alert.cause))
        for telling, alert_id, event, channel, target, moment, said in session.execute(query)
    ]


def cause_of(alert: Alert) -> str:
    """What the limit counts by: why it failed, where that is known, so that one trouble never silences another."""
    return _cause(alert.explanation, alert.cause)


def _cause(explanation: dict[str, Any] | None, otherwise: str) -> str:
    return str((explanation or {}).get("cause") or otherwise)
