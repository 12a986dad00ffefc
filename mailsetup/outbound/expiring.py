"""Tells of every last day ahead: 60, 30, 14, 7, 3 and 1 days before and on the day, each once."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date

from babel.dates import format_date
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mailsetup.alerts.models import OPENED, Alert
from mailsetup.alerts.notices import write_notices
from mailsetup.alerts.open import open_alert, resolve_alerts
from mailsetup.alerts.recipients import EMAIL, Recipient, recipients, unique
from mailsetup.core.clock import utcnow
from mailsetup.credentials.deadlines import IDLE, Deadline, deadlines, deadlines_within
from mailsetup.credentials.models import Credential, ExpiryNotice
from mailsetup.mail_services.credential_types import MICROSOFT_APP
from mailsetup.outbound.models import OutboundConfig

DAYS_AHEAD = (60, 30, 14, 7, 3, 1, 0)
# What ended longer ago and was never told has been looked at, or stopped mail and said so then.
TOLD_AFTER = 30
SUFFIX = "_ends_"


def step_of(days_left: int) -> int | None:
    """Which notice is due with so many days left; None when there is none."""
    if days_left < -TOLD_AFTER:
        return None
    return min((step for step in DAYS_AHEAD if days_left <= step), default=None)


def tell_expiring(session: Session) -> int:
    """Writes every notice that is due, and ends the alerts about what was renewed; how many were written."""
    today = utcnow().date()
    due = [(one, step_of(one.days_left(today))) for one in deadlines_within(session, DAYS_AHEAD[0])]
    _resolve_renewed(session, today)
    return sum(_tell(session, one, step, today) for one, step in due if step is not None)


def _tell(session: Session, deadline: Deadline, step: int, today: date) -> bool:
    subject = f"{deadline.subject}:{deadline.kind}"
    if not remember(session, subject, deadline.day, step, workspace_id=deadline.workspace_id):
        return False
    cause = f"{deadline.kind}{SUFFIX}{step}"
    _replace_earlier(session, deadline, cause)
    _open(session, deadline, cause, deadline.days_left(today))
    return True


def remember(
    session: Session, subject: str, ends_on: date, days: int, *, workspace_id: uuid.UUID | None = None
) -> bool:
    """Notes that this notice goes out now; False when it has gone out already."""
    same = select(ExpiryNotice.id).where(
        ExpiryNotice.subject == subject, ExpiryNotice.ends_on == ends_on, ExpiryNotice.days == days
    )
    if session.scalar(same) is not None:
        return False
    session.add(ExpiryNotice(workspace_id=workspace_id, subject=subject, ends_on=ends_on, days=days))
    session.flush()
    return True


def _replace_earlier(session: Session, deadline: Deadline, cause: str) -> None:
    """The notice before says the same with an older number: it ends without a word to anybody."""
    earlier = update(Alert).where(
        Alert.workspace_id == deadline.workspace_id,
        Alert.subject_key == deadline.subject,
        Alert.cause.startswith(f"{deadline.kind}{SUFFIX}", autoescape=True),
        Alert.cause != cause,
        Alert.resolved_at.is_(None),
    )
    values = {"resolved_at": utcnow(), "resolution": "A newer notice took its place."}
    session.execute(earlier.values(**values), execution_options={"synchronize_session": "fetch"})


def _open(session: Session, deadline: Deadline, cause: str, left: int) -> None:
    addresses = _addresses(session, deadline)
    alert = open_alert(
        session,
        workspace_id=deadline.workspace_id,
        subject_key=deadline.subject,
        subject_label=deadline.label,
        severity="warning",
        cause=cause,
        title=_title(deadline, left),
        explanation=_explanation(deadline, cause, left),
        fix_path=fix_path(deadline),
        notify_address=addresses[0].target if addresses else "",
    )
    if alert.count == 1:
        known = {recipient.key for recipient in recipients(session, alert)}
        write_notices(session, alert, OPENED, [one for one in addresses[1:] if one.key not in known])


def _addresses(session: Session, deadline: Deadline) -> list[Recipient]:
    """The alerts addresses of the setups that use it."""
    wanted = select(OutboundConfig.alerts_address).where(OutboundConfig.credential_id == deadline.credential_id)
    named = session.scalars(wanted.order_by(OutboundConfig.is_default.desc(), OutboundConfig.name))
    return unique(Recipient(EMAIL, address) for address in named if address)


def fix_path(deadline: Deadline) -> str:
    """Where one acts: signing in again, a new secret beside the old one, or the form."""
    if deadline.kind == IDLE:
        return f"/setup/reconnect/{deadline.credential_id}"
    if deadline.credential_type == MICROSOFT_APP.name:
        return f"/setup/rotate/{deadline.credential_id}"
    return f"{deadline.path}/edit"


def _title(deadline: Deadline, left: int) -> str:
    thing = f"The {deadline.what.lower()} of “{deadline.label}”"
    if deadline.kind == IDLE:
        thing = f"The sign-in “{deadline.label}”, which could not be used for weeks,"
    return f"{thing} {_when(left)}"


def _when(left: int) -> str:
    if left < 0:
        return "has ended"
    return {0: "ends today", 1: "ends tomorrow"}.get(left, f"ends in {left} days")


def _explanation(deadline: Deadline, cause: str, left: int) -> dict[str, object]:
    day = format_date(deadline.day, "MMMM d, y", locale="en_US")
    uses = ", ".join(f"“{use.label}”" for use in deadline.uses)
    what = f"Its last day is {day}. After that, mail through {uses or 'setups that use it'} waits until it is renewed."
    steps, who = _steps(deadline)
    facts = {"title": _title(deadline, left), "explanation": what, "what": what, "steps": list(steps), "who": who}
    return {**facts, "cause": cause, "permanent": True, "confidence": "high", "quote": "", "raw": ""}


def _steps(deadline: Deadline) -> tuple[tuple[str, ...], str]:
    if deadline.kind == IDLE:
        return ("Choose Reconnect and sign in at Microsoft as the same account.",), "Whoever can sign in as the mailbox"
    if deadline.credential_type == MICROSOFT_APP.name:
        made = f"In Entra: App registrations > the app > Certificates & secrets: make a new {deadline.what.lower()}."
        return (
            made,
            "Give it here under Renew. It is tested while the old one goes on, and then takes its place.",
            "Delete the old one in Entra afterwards.",
        ), "Your Microsoft admin"
    return ("Make a new one where this one came from, and give it here under Edit.",), "An admin of this workspace"


def _resolve_renewed(session: Session, today: date, subject: str = "") -> None:
    wanted = select(Alert).where(Alert.cause.contains(SUFFIX, autoescape=True), Alert.resolved_at.is_(None))
    for alert in session.scalars(wanted.where(Alert.subject_key == subject) if subject else wanted).all():
        kind, _, step = alert.cause.partition(SUFFIX)
        if not _still(_of(session, alert), kind, int(step), today):
            _resolve(session, alert)


def _of(session: Session, alert: Alert) -> Iterable[Deadline]:
    found = deadlines(session, alert.workspace_id) if alert.workspace_id else []
    return [one for one in found if one.subject == alert.subject_key]


def _still(found: Iterable[Deadline], kind: str, step: int, today: date) -> bool:
    """Whether the day that the alert is about is as near as it was then."""
    return any(one.kind == kind and one.days_left(today) <= step for one in found)


def _resolve(session: Session, alert: Alert) -> None:
    resolve_alerts(
        session,
        workspace_id=alert.workspace_id,
        subject_key=alert.subject_key,
        cause=alert.cause,
        resolution="It was renewed, and has a new last day.",
    )


def credential_renewed(session: Session, credential: Credential) -> None:
    """A credential has a new version: what was said of the old one's end is over at once."""
    _resolve_renewed(session, utcnow().date(), f"credential:{credential.id}")
