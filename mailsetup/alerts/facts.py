"""What a notice says, gathered in the database before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_datetime, format_timedelta
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.alerts.models import Alert, AlertNotice
from mailsetup.alerts.open import open_alerts
from mailsetup.alerts.waiting import waiting_now
from mailsetup.core.clock import utcnow
from mailsetup.workspaces.models import Member, User, Workspace

OTHERS_SHOWN = 10


@dataclass(frozen=True)
class NoticeFacts:
    """One notice as values, free of the database: times and spans are words already."""

    notice_id: str
    event: str
    target: str
    workspace: str
    base_url: str
    alert_id: str = ""
    title: str = ""
    subject_label: str = ""
    severity: str = "error"
    what: str = ""
    steps: tuple[str, ...] = ()
    who: str = ""
    link: str = ""
    since: str = ""
    until: str = ""
    lasted: str = ""
    resolution: str = ""
    waiting: int = 0
    failures: int = 1
    others: tuple[str, ...] = ()

    @property
    def addresses_link(self) -> str:
        """Where the person chooses who is told."""
        return f"{self.base_url}/alerts#addresses"


def gather(session: Session, notice: AlertNotice) -> NoticeFacts:
    """Everything the mail about this notice says, as it is now."""
    workspace = session.get_one(Workspace, notice.workspace_id)
    facts = NoticeFacts(
        notice_id=str(notice.id),
        event=notice.event,
        target=notice.target,
        workspace=workspace.name,
        base_url=settings.current().base_url,
    )
    return facts if notice.alert is None else _about_alert(session, notice.alert, facts, _zone_of(session, notice))


def _about_alert(session: Session, alert: Alert, facts: NoticeFacts, zone: tzinfo) -> NoticeFacts:
    explanation = alert.explanation or {}
    end = alert.resolved_at or utcnow()
    others = [other.title for other in open_alerts(session, alert.workspace_id) if other.id != alert.id]
    return replace(
        facts,
        alert_id=str(alert.id),
        title=alert.title,
        subject_label=alert.subject_label,
        severity=alert.severity,
        what=str(explanation.get("explanation") or explanation.get("what") or ""),
        steps=tuple(str(step) for step in explanation.get("steps") or ()),
        who=str(explanation.get("who") or ""),
        link=f"{facts.base_url}{alert.fix_path}",
        since=moment(alert.opened_at, zone),
        until=moment(alert.resolved_at, zone) if alert.resolved_at else "",
        lasted=span(end - alert.opened_at),
        resolution=alert.resolution,
        waiting=alert.waiting if alert.resolved_at else waiting_now(session, alert),
        failures=alert.count,
        others=tuple(others[:OTHERS_SHOWN]),
    )


def _zone_of(session: Session, notice: AlertNotice) -> tzinfo:
    """The time zone of the person behind the address, where it is a member's; else UTC."""
    wanted = (
        select(User.timezone)
        .join(Member, Member.user_id == User.id)
        .where(Member.workspace_id == notice.workspace_id, func.lower(User.email) == notice.target.lower())
    )
    try:
        return ZoneInfo(session.scalar(wanted) or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def moment(value: datetime, zone: tzinfo) -> str:
    """A time that nobody can misread, whatever their country: Nov 21, 2026, 3:05 PM (UTC)."""
    text = format_datetime(value, "MMM d, y, h:mm a", tzinfo=zone, locale="en_US")
    return f"{text} ({getattr(zone, 'key', 'UTC')})"


def span(value: timedelta) -> str:
    """How long, in words: 12 minutes."""
    if value < timedelta(seconds=60):
        return "less than a minute"
    return format_timedelta(value, threshold=1.5, locale="en")
