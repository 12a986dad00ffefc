"""What happened to a message, in order, as one list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mailsetup.core.clock import utcnow
from mailsetup.mail_services.base import STAGES
from mailsetup.outbound.mailboxes import Pause
from mailsetup.outbound.models import SENDING_STATES, OutboundConfig
from mailsetup.outbox.models import (
    CANCELLED,
    CLAIMED,
    EXPIRED,
    FAILED,
    QUEUED,
    SENDING,
    UNKNOWN,
    DeliveryAttempt,
    Message,
)
from mailsetup.web.states import STAGE_WORDS

SOON = timedelta(minutes=1)
ATTEMPT_STATES = {"": "sending", "deferred": "queued", "released": "queued"}
ATTEMPT_TITLES = {
    "": "Being sent",
    "sent": "Accepted by the mail service",
    "deferred": "Not accepted yet",
    "failed": "Refused",
    "unknown": "Outcome unknown",
    "released": "Given back before it was sent",
}


@dataclass(frozen=True)
class Event:
    """One entry: its look by `state`, a title, when, and what the service said."""

    state: str
    title: str
    at: datetime | None
    text: str = ""
    stage: str = ""
    answer: str = ""
    explanation: dict[str, Any] | None = None
    milliseconds: float | None = None
    exact: bool = False  # the time of day says more than how far off it is


def timeline(message: Message, config: OutboundConfig | None, pause: Pause | None = None) -> list[Event]:
    """From taken in to ended, or to what it waits for."""
    by = f"By {message.created_by}." if message.created_by else ""
    start = Event("passed", "Taken in", message.created_at, text=by)
    return [start, *map(_attempt, message.attempts), *_now(message, config, pause)]


def is_moving(message: Message, config: OutboundConfig | None) -> bool:
    """Whether something may happen to the mail while somebody looks at it."""
    if message.status in {CLAIMED, SENDING}:
        return True
    soon = utcnow() + SOON
    free = config is not None and config.sends and (config.blocked_until is None or config.blocked_until < soon)
    return message.status == QUEUED and free and message.next_attempt_at < soon


def _attempt(attempt: DeliveryAttempt) -> Event:
    spent = attempt.finished_at - attempt.started_at if attempt.finished_at else None
    ended_early = attempt.outcome in {"deferred", "failed", "unknown"} and attempt.stage in STAGES
    return Event(
        state=ATTEMPT_STATES.get(attempt.outcome, attempt.outcome),
        title=f"Attempt {attempt.number}: {ATTEMPT_TITLES.get(attempt.outcome, attempt.outcome)}",
        at=attempt.started_at,
        stage=STAGE_WORDS[attempt.stage] if ended_early else "",
        answer="" if attempt.explanation else attempt.answer,
        explanation=attempt.explanation,
        milliseconds=spent.total_seconds() * 1000 if spent else None,
    )


def _now(message: Message, config: OutboundConfig | None, pause: Pause | None) -> list[Event]:
    if message.status == QUEUED:
        return [_waiting(message, config, pause)]
    if message.status == CANCELLED:
        return [Event(CANCELLED, "Cancelled", message.finished_at, text=_told(message) if message.handle else "")]
    if message.status == UNKNOWN:
        return [Event(UNKNOWN, "Waits for a person", None, text="Say above what became of it.")]
    if message.status == EXPIRED or (message.status == FAILED and _set_aside(message)):
        title = str((message.last_explanation or {}).get("title", message.status))
        return [Event(message.status, title, message.finished_at, text=_told(message))]
    return []


def _told(message: Message) -> str:
    told = message.last_explanation or {}
    return " ".join(filter(None, [str(told.get("what", "")), *told.get("steps", [])]))


def _set_aside(message: Message) -> bool:
    """Whether it ended without a refusal that an attempt tells of."""
    return not message.attempts or message.attempts[-1].outcome != FAILED


def _waiting(message: Message, config: OutboundConfig | None, pause: Pause | None) -> Event:
    if config is None:
        return Event(QUEUED, "Waits for a setup", None, text="It leaves when the first setup is saved and tested.")
    if config.health not in SENDING_STATES:
        return Event(QUEUED, f"Waits for “{config.name}”", None, text=_WAITS[config.health])
    if pause is not None and pause.until > message.next_attempt_at:
        return Event(QUEUED, "Resumes", pause.until, text=pause.words, exact=True)
    title = "Tried again" if message.attempt_count else "Sent"
    return Event(QUEUED, f"{title} when it is due", message.next_attempt_at)


_WAITS = {
    "unverified": "The setup has not passed a test. The mail leaves when it does.",
    "broken": "The setup needs attention. The mail leaves when it works again.",
    "paused": "Somebody paused the setup. The mail leaves when it is resumed.",
}
