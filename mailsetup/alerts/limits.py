"""Once, then quiet: how often in an hour a workspace hears of one cause, and what then goes out in one piece.

One telling is an event of an alert by all its ways: five ways that hear of one alert are told once.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

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
        # A notice that failed before is tried alone: nothing that is new waits with it for its next try.
        due = due.where(Alert.cause == notice.alert.cause, AlertNotice.attempts == 0)
    return list(session.scalars(due.order_by(AlertNotice.created_at, AlertNotice.id).limit(GATHERED)))


def room_at(session: Session, notice: AlertNotice, alert: Alert, now: datetime) -> datetime | None:
    """When the workspace may hear of this cause again; None for now."""
    if gathers(notice):
        return None
    recent = session.execute(
        select(
            AlertNotice.telling,
            AlertNotice.alert_id,
            AlertNotice.event,
            func.coalesce(AlertNotice.sent_at, AlertNotice.lease_until),
        )
        .join(Alert, Alert.id == AlertNotice.alert_id)
        .where(
            AlertNotice.workspace_id == notice.workspace_id,
            AlertNotice.telling != "",
            Alert.cause == alert.cause,
            (AlertNotice.state == SENDING) | ((AlertNotice.state == SENT) & (AlertNotice.sent_at > now - HOUR)),
        )
    ).all()
    if any((alert_id, event) == (notice.alert_id, notice.event) for _telling, alert_id, event, _at in recent):
        return None  # it is being told, only not by this way yet
    last: dict[str, datetime] = {}
    for telling, _alert, _event, at in recent:
        last[telling] = max(at, last.get(telling, at))
    times = sorted(last.values())
    return None if len(times) < HOURLY_LIMIT else max(times[-HOURLY_LIMIT] + HOUR, now + _SOON)
