"""What a notice says, gathered in the database before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from babel.dates import format_datetime, format_timedelta
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.alerts.models import ERROR, RESOLVED, Alert, AlertNotice
from mailsetup.alerts.open import open_alerts
from mailsetup.alerts.remarks import remarks
from mailsetup.alerts.timing import zone_named
from mailsetup.alerts.waiting import counted
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
    since_iso: str = ""
    until_iso: str = ""
    waiting: int = 0
    gone_out: int = 0
    failures: int = 1
    others: tuple[str, ...] = ()
    meanwhile: str = ""
    holds_mail: bool = True

    @property
    def addresses_link(self) -> str:
        """Where the person chooses who is told."""
        return f"{self.base_url}/alerts#addresses" if self.workspace else f"{self.base_url}/operator/alerts"

    @property
    def about(self) -> str:
        """Whose alerts these are."""
        return self.workspace or "the whole installation"

    @property
    def mail_line(self) -> str:
        """How much mail waits, or waited and has gone out; empty where it is about no mail."""
        if self.event == RESOLVED:
            return self._mail_after()
        return f"{self._mail_now()} {self.meanwhile}".strip()

    def _mail_now(self) -> str:
        if self.waiting:
            one = self.waiting == 1
            then = f"; {'it leaves' if one else 'they leave'} once this is solved" if self.holds_mail else ""
            return f"{self.waiting:,} {'mail waits' if one else 'mails wait'}. None is lost{then}."
        stops = self.holds_mail and not self.meanwhile
        return "No mail so far. What comes now waits, and is not lost." if stops else ""

    def _mail_after(self) -> str:
        if not self.waiting:
            return "No mail was waiting any more, and none was lost." if self.holds_mail else ""
        gone = "all of it has gone out" if self.gone_out >= self.waiting else f"{self.gone_out:,} have gone out so far"
        if not self.gone_out:
            gone = "it leaves now" if self.waiting == 1 else "they leave now"
        return f"{self.waiting:,} waited; {gone}. None was lost."


def gather(session: Session, notice: AlertNotice) -> NoticeFacts:
    """Everything the mail about this notice says, as it is now."""
    workspace = session.get_one(Workspace, notice.workspace_id) if notice.workspace_id else None
    facts = NoticeFacts(
        notice_id=str(notice.id),
        event=notice.event,
        target=notice.target,
        workspace=workspace.name if workspace else "",
        base_url=settings.current().base_url,
    )
    if notice.alert is None:
        return facts
    return _about_alert(session, notice.alert, facts, _zone_of(session, notice, workspace))


def _about_alert(session: Session, alert: Alert, facts: NoticeFacts, zone: tzinfo) -> NoticeFacts:
    explanation = alert.explanation or {}
    left = counted(session, alert)
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
        since_iso=alert.opened_at.isoformat(),
        until_iso=alert.resolved_at.isoformat() if alert.resolved_at else "",
        waiting=alert.waiting if alert.resolved_at or left is None else left,
        gone_out=max(alert.waiting - left, 0) if alert.resolved_at and left is not None else 0,
        holds_mail=alert.severity == ERROR and alert.workspace_id is not None,
        failures=alert.count,
        others=tuple(others[:OTHERS_SHOWN]),
        meanwhile=remarks(session, alert),
    )


def _zone_of(session: Session, notice: AlertNotice, workspace: Workspace | None) -> tzinfo:
    """The time zone of the person behind the address, where it is a member's; else the workspace's."""
    wanted = (
        select(User.timezone)
        .join(Member, Member.user_id == User.id)
        .where(Member.workspace_id == notice.workspace_id, func.lower(User.email) == notice.target.lower())
    )
    return zone_named(session.scalar(wanted) or (workspace.timezone if workspace else ""))


def moment(value: datetime, zone: tzinfo) -> str:
    """A time that nobody can misread, whatever their country: Nov 21, 2026, 3:05 PM (UTC)."""
    text = format_datetime(value, "MMM d, y, h:mm a", tzinfo=zone, locale="en_US")
    return f"{text} ({getattr(zone, 'key', 'UTC')})"


def span(value: timedelta) -> str:
    """How long, in words: 12 minutes."""
    if value < timedelta(seconds=60):
        return "less than a minute"
    return format_timedelta(value, threshold=1.5, locale="en")
