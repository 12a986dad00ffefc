"""Who is told of an alert, by which way, and from when on."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.alerts.causes import group_of
from mailsetup.alerts.models import ERROR, OPENED, REMINDED, Alert, AlertNotice, AlertRoute
from mailsetup.alerts.timing import due_at, zone_named
from mailsetup.core.clock import utcnow
from mailsetup.workspaces.models import ADMIN, OWNER, Member, Workspace

EMAIL = "email"
OPERATOR_WEBHOOK = "operator"
OPERATOR_WEBHOOK_LABEL = "The operator's webhook"
MAILER_KEY = "way:mailer"  # the subject of alerts about the operator's mail server


@dataclass(frozen=True)
class Recipient:
    """One way to tell somebody; `due` is when, where that is not at once."""

    channel: str
    target: str
    route_id: uuid.UUID | None = None
    due: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Upper and lower case are the same mailbox to us."""
        return self.channel, self.target.lower()


def recipients(session: Session, alert: Alert) -> list[Recipient]:
    """Everybody who hears of this alert, each once, the setup's own address first; owners where nobody else would."""
    if alert.workspace_id is None:
        return _apart(alert, operator_recipients())
    named = [Recipient(EMAIL, alert.notify_address)] if alert.notify_address else []
    found = _apart(alert, [*named, *_by_routes(session, alert)])
    return found or _apart(alert, people_in_charge(session, alert.workspace_id, (OWNER,)))


def _apart(alert: Alert, found: Iterable[Recipient]) -> list[Recipient]:
    """Those ways that are not the one the alert is about, each once."""
    if alert.subject_key == MAILER_KEY:
        return unique(recipient for recipient in found if recipient.channel != EMAIL)
    keys = ((recipient, way_key(recipient.channel, recipient.target)) for recipient in found)
    return unique(recipient for recipient, key in keys if key != alert.subject_key)


def operator_recipients() -> list[Recipient]:
    """The operator's own: every operator by mail, and the webhook if there is one."""
    current = settings.current()
    mails = [Recipient(EMAIL, address) for address in current.operator_emails]
    hook = [Recipient(OPERATOR_WEBHOOK, OPERATOR_WEBHOOK_LABEL)] if current.operator_webhook_url else []
    return [*mails, *hook]


def people_in_charge(
    session: Session, workspace_id: uuid.UUID, roles: tuple[str, ...] = (OWNER, ADMIN)
) -> list[Recipient]:
    """The owners and admins of a workspace, by mail: whom to tell when no other way is left."""
    wanted = select(Member).where(Member.workspace_id == workspace_id, Member.role.in_(roles))
    members = session.scalars(wanted.order_by(Member.role.desc(), Member.created_at))
    return unique(Recipient(EMAIL, member.user.email) for member in members)


def every_route(session: Session, workspace_id: uuid.UUID) -> list[Recipient]:
    """All routes of the workspace at once, whatever they are limited to: for when others have failed."""
    return [Recipient(route.channel, route.target, route.id) for route in routes_of(session, workspace_id)]


def routes_of(session: Session, workspace_id: uuid.UUID) -> list[AlertRoute]:
    """The further ways of a workspace, oldest first."""
    wanted = select(AlertRoute).where(AlertRoute.workspace_id == workspace_id)
    return list(session.scalars(wanted.order_by(AlertRoute.created_at, AlertRoute.id)))


def _by_routes(session: Session, alert: Alert) -> Iterator[Recipient]:
    if alert.workspace_id is None:
        return
    workspace = session.get_one(Workspace, alert.workspace_id)
    zone, now = zone_named(workspace.timezone), utcnow()
    for route in routes_of(session, alert.workspace_id):
        if wants(route, alert):
            due = due_at(route, alert.severity, now, zone)
            yield Recipient(route.channel, route.target, route.id, due if due > now else None)


def wants(route: AlertRoute, alert: Alert) -> bool:
    """Whether the route is for alerts like this one."""
    if route.severity == ERROR and alert.severity != ERROR:
        return False
    if route.groups and group_of(alert.cause) not in route.groups:
        return False
    return not route.setups or alert.subject_key in {f"outbound:{setup}" for setup in route.setups}


def way_key(channel: str, target: str) -> str:
    """The subject of an alert about a way that fails."""
    return f"way:{channel}:{target.lower()}"[:80]


def unique(found: Iterable[Recipient]) -> list[Recipient]:
    """Each way once, the first mention counts."""
    kept: dict[tuple[str, str], Recipient] = {}
    for recipient in found:
        kept.setdefault(recipient.key, recipient)
    return list(kept.values())


def who_was_told(session: Session, alert: Alert) -> list[Recipient]:
    """Everybody for whom a notice of this alert was written, timed as their route wants it."""
    wanted = select(AlertNotice).where(AlertNotice.alert_id == alert.id, AlertNotice.event.in_((OPENED, REMINDED)))
    notices = session.scalars(wanted.order_by(AlertNotice.created_at, AlertNotice.id))
    timed = {recipient.key: recipient for recipient in _by_routes(session, alert)}
    plain = (Recipient(notice.channel, notice.target, notice.route_id) for notice in notices)
    return [timed.get(recipient.key, recipient) for recipient in unique(plain)]
