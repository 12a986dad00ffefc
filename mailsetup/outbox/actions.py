"""What a person or a program does to a queued mail: cancel, send again, say what became of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import Conflict, InvalidInput
from mailsetup.outbox import explanations, happenings, hours
from mailsetup.outbox.models import (
    ACCEPTED,
    CANCELLED,
    CLAIMED,
    EXPIRED,
    FAILED,
    QUEUED,
    REFUSED,
    SENT,
    UNKNOWN,
    WAITING,
    Message,
    MessageBody,
)
from mailsetup.outbox.queue import DRAIN, EXPIRES_AFTER
from mailsetup.workspaces import audit
from mailsetup.workspaces.audit import Actor

RESOLUTIONS = (SENT, "resend")
WORDS = {
    QUEUED: "is waiting",
    CLAIMED: "is about to be sent",
    "sending": "is on its way at this moment",
    SENT: "was accepted already",
    FAILED: "has failed",
    EXPIRED: "has expired",
    CANCELLED: "was cancelled",
    UNKNOWN: "has an unknown outcome; say what became of it first",
}


def cancel(session: Session, message: Message, *, actor: Actor) -> None:
    """Takes the mail out of the queue. Raises Conflict once it is on its way or over."""
    state: dict[str, Any] = {"status": CANCELLED, "finished_at": utcnow(), "lease_token": None, "lease_until": None}
    if message.handle:
        state["last_explanation"] = explanations.CANCELLED_WITH_DRAFT
    _change(session, message, (QUEUED, CLAIMED), state, "cannot be cancelled")
    _record(session, message, actor, "message:cancel")


def retry(session: Session, message: Message, *, actor: Actor) -> None:
    """Sends the mail as soon as possible: one that waits, or once more one that failed. Raises Conflict."""
    hours.taken_back(session, message)
    _change(session, message, (QUEUED, FAILED, EXPIRED, CANCELLED), _due_again(message), "cannot be sent again")
    # Looked at under the row's lock, as the content may be purged at this very moment.
    if session.scalar(select(MessageBody.message_id).where(MessageBody.message_id == message.id)) is None:
        raise Conflict("The content of this mail is no longer kept, so it cannot be sent again.")
    queues.enqueue_after_commit(session, DRAIN)
    _record(session, message, actor, "message:retry")


def resolve(session: Session, message: Message, outcome: str, *, actor: Actor) -> None:
    """Ends the doubt about a mail: it arrived (`sent`), or it goes out once more (`resend`). Raises Conflict."""
    if outcome not in RESOLUTIONS:
        raise InvalidInput({"outcome": "Choose sent or resend."})
    if outcome == SENT:
        accepted = [
            {**entry, "state": ACCEPTED} if entry["state"] == WAITING else entry for entry in message.recipients
        ]
        state: dict[str, Any] = {"status": SENT, "finished_at": utcnow(), "recipients": accepted}
    else:
        state = {**_due_again(message), "possible_duplicate": True}
        queues.enqueue_after_commit(session, DRAIN)
    _change(session, message, (UNKNOWN,), state, "has no unknown outcome")
    if outcome == SENT:
        happenings.tell(session, message.workspace_id, SENT, [message.id], utcnow())
    _record(session, message, actor, "message:resolve", outcome=outcome)


def _due_again(message: Message) -> dict[str, Any]:
    now = utcnow()
    # Who was accepted has the mail; who was refused is tried again.
    return {
        "status": QUEUED,
        "next_attempt_at": now,
        "expires_at": max(message.expires_at, now + EXPIRES_AFTER),
        "finished_at": None,
        "crash_count": 0,
        "recipients": _turned(message, REFUSED, WAITING),
        "lease_token": None,
        "lease_until": None,
    }


def _turned(message: Message, before: str, after: str) -> list[dict[str, Any]]:
    return [{**entry, "state": after} if entry["state"] == before else entry for entry in message.recipients]


def _change(session: Session, message: Message, allowed: tuple[str, ...], state: dict[str, Any], refusal: str) -> None:
    """Checks and changes in one statement: a worker may claim the mail at this very moment."""
    chosen = update(Message).where(Message.id == message.id, Message.status.in_(allowed)).values(**state)
    changed = session.execute(chosen.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
    session.refresh(message)
    if not changed:
        raise Conflict(f"This mail {refusal}: it {WORDS[message.status]}.")


def _record(session: Session, message: Message, actor: Actor, action: str, **detail: str) -> None:
    subject = message.subject or "(no subject)"
    audit.record(
        session, message.workspace_id, actor=actor, action=action, subject=subject, subject_id=message.id, **detail
    )
