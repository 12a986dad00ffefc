"""What goes on after a test mail was accepted: whether it arrives, and what the DNS says of its sender."""

from __future__ import annotations

from sqlalchemy.orm import Session

from mailsetup.core import queues
from mailsetup.diagnosis import domains
from mailsetup.diagnosis.models import TestRun
from mailsetup.mail_services.inbox import READING

LOOK_FOR_MAIL = "mailsetup.diagnosis.jobs.look_for_mail"
LOOKING, ARRIVED, NOT_FOUND, UNREADABLE = "looking", "arrived", "not_found", "unreadable"


def follow_up(session: Session, run: TestRun) -> None:
    """Has a worker look for the mail where the mailbox may be read, and at the sender's domain."""
    if may_read(run) and run.message_id:
        run.arrival = {"state": LOOKING}
        queues.enqueue_after_commit(session, LOOK_FOR_MAIL, str(run.id))
    domains.want(session, run.workspace_id, *domains.sender_of(run.kind, run.settings))


def may_read(run: TestRun) -> bool:
    """Whether the permissions that the token named let us read mail."""
    token = next((stage for stage in run.stages if stage.name == "token"), None)
    granted = str(token.evidence.get("permissions", "")).split() if token else []
    return not READING.isdisjoint(granted)
