"""Our own app at Microsoft has a last day too: on it, every sign-in of every customer would stop."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.alerts.facts import NoticeFacts
from mailsetup.alerts.models import OPENED
from mailsetup.alerts.notify import send_notice
from mailsetup.alerts.recipients import EMAIL
from mailsetup.alerts.stages import StageLog
from mailsetup.alerts.ways import Way
from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.core.ids import new_id
from mailsetup.core.redact import Secret
from mailsetup.credentials.models import ExpiryNotice
from mailsetup.outbound.expiring import remember, step_of

JOB = "mailsetup.outbound.jobs.tell_operator"
STEPS = (
    "In Entra: App registrations > our app > Certificates & secrets: make a new secret or certificate.",
    "Give it in MAILSETUP_MICROSOFT_CLIENT_SECRET or MAILSETUP_MICROSOFT_CLIENT_CERTIFICATE_FILE, and its last day in "
    "MAILSETUP_MICROSOFT_CLIENT_EXPIRES.",
    "Restart web, workers and scheduler. flask --app app doctor shows whether it counts.",
    "Delete the old one in Entra afterwards.",
)


def tell_operators(session: Session) -> int:
    """Starts a mail to each operator who has not had the notice that is due; how many."""
    due = _due()
    if due is None:
        return 0
    waiting = [one for one in settings.current().operator_emails if not _told(session, one, *due)]
    for address in waiting:
        queues.enqueue_after_commit(session, JOB, address)
    return len(waiting)


def send_to(address: str) -> None:
    """Sends the notice that is due, and notes it once it was accepted. Raises NotSent."""
    due = _due()
    if due is None or address not in settings.current().operator_emails:
        return
    with session_scope() as session:
        if _told(session, address, *due):
            return
    send_notice([_facts(address, due[0])], Way(EMAIL, Secret(address)), StageLog())
    with session_scope() as session:
        remember(session, _subject(address), *due)


def _due() -> tuple[date, int] | None:
    """The last day and the notice that is due for it."""
    current = settings.current()
    if not current.microsoft_client_id or current.microsoft_client_expires is None:
        return None
    step = step_of((current.microsoft_client_expires - utcnow().date()).days)
    return None if step is None else (current.microsoft_client_expires, step)


def _told(session: Session, address: str, ends_on: date, step: int) -> bool:
    same = select(ExpiryNotice.id).where(
        ExpiryNotice.subject == _subject(address), ExpiryNotice.ends_on == ends_on, ExpiryNotice.days == step
    )
    return session.scalar(same) is not None


def _subject(address: str) -> str:
    return f"platform:{address}"[:120]


def _facts(address: str, ends_on: date) -> NoticeFacts:
    left = (ends_on - utcnow().date()).days
    when = (
        "has ended" if left < 0 else "ends today" if left == 0 else f"ends in {left} {'day' if left == 1 else 'days'}"
    )
    base_url = settings.current().base_url
    return NoticeFacts(
        notice_id=str(new_id()),
        event=OPENED,
        target=address,
        workspace="the operator",
        base_url=base_url,
        title=f"Our own app at Microsoft {when}",
        subject_label="Every setup that was connected by signing in",
        severity="warning",
        what=f"Its secret or certificate has its last day on {ends_on.isoformat()}. After that, no token of a customer "
        "who signed in through our app can be renewed, and their mail waits.",
        steps=STEPS,
        who="Whoever runs this installation",
        link=f"{base_url}/operator",
        since=ends_on.isoformat(),
    )
