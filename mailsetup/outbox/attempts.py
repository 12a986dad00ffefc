"""Records how a try ended. Each write names the lease's token: who lost the lease changes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import bindparam, case, update
from sqlalchemy.orm import Session

from mailsetup.mail_services.base import SendResult
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound import health, hosts, mailboxes
from mailsetup.outbound.explain import explain_failure
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import claim, explanations, groups, happenings, retry
from mailsetup.outbox.claim import Claimed
from mailsetup.outbox.models import (
    ACCEPTED,
    FAILED,
    QUEUED,
    REFUSED,
    SENDING,
    SENT,
    UNKNOWN,
    WAITING,
    attempts,
    messages,
)

HOLD = "hold"
DEFERRED = "deferred"
CROWDED_SECONDS = 1.0
log = structlog.get_logger()


def record_sent(session: Session, message: Claimed, result: SendResult, now: datetime) -> bool:
    """The service accepted the mail, perhaps not for everybody; recipients to be tried later keep it waiting."""
    recipients = _after_result(message, result)
    waiting = any(entry["state"] == WAITING for entry in recipients)
    accepted = any(entry["state"] == ACCEPTED for entry in recipients)
    state = _later(message, now) if waiting else _ended(SENT if accepted else FAILED, now)
    return _settle(
        session,
        message,
        now,
        state={**state, "recipients": recipients, "service_id": result.service_id[:400], "last_explanation": None},
        attempt={
            "outcome": SENT if accepted else FAILED,
            "stage": "accept",
            "answer": result.text,
            "service_id": result.service_id[:400],
        },
    )


def record_all_sent(session: Session, sent: Sequence[tuple[Claimed, SendResult]], now: datetime) -> None:
    """Many acceptances at once, of mail held under one lease, whosesoever it is."""
    simple = [(message, result) for message, result in sent if not result.refused]
    for message, result in sent:
        if result.refused:
            record_sent(session, message, result, now)
    if not simple:
        return
    settle = _settle_together if session.get_bind().dialect.name == "postgresql" else _settle_each
    ours = settle(session, simple, now)
    settled = [message for message, _ in simple if message.id in ours]
    if len(settled) < len(simple):
        log.warning("late_result_ignored", messages=len(simple) - len(settled), outcome=SENT)
    happenings.tell_all(session, SENT, [(message.workspace_id, message.id) for message in settled], now)


def _settle_together(session: Session, sent: Sequence[tuple[Claimed, SendResult]], now: datetime) -> set[uuid.UUID]:
    told = [
        {
            "id": str(message.id),
            "recipients": _after_result(message, result),
            "service_id": result.service_id[:400],
            "answer": result.text,
        }
        for message, result in sent
    ]
    return groups.record_sent(session, told, sent[0][0].token, now)


def _settle_each(session: Session, sent: Sequence[tuple[Claimed, SendResult]], now: datetime) -> set[uuid.UUID]:
    ours = set(claim.lock_begun(session, [message for message, _ in sent]))
    settled = [(message, result) for message, result in sent if message.id in ours]
    if settled:
        connection = session.connection()
        connection.execute(_SENT_MESSAGES, [_sent_message(message, result, now) for message, result in settled])
        connection.execute(_SENT_ATTEMPTS, [_sent_attempt(message, result, now) for message, result in settled])
    return ours


# Built once: rows are named by `this_id` and `this_try`, whatever else is given is what they become.
_SENT_MESSAGES = (
    update(messages)
    .where(messages.c.id == bindparam("this_id"))
    .values(status=SENT, lease_token=None, lease_until=None, last_explanation=None)
    .values(recipients=bindparam("new_recipients"), service_id=bindparam("new_service_id"))
    .values(finished_at=bindparam("new_finished_at"))
)
_SENT_ATTEMPTS = (
    update(attempts)
    .where(attempts.c.message_id == bindparam("this_id"), attempts.c.number == bindparam("this_try"))
    .values(outcome=SENT, stage="accept", answer=bindparam("new_answer"), service_id=bindparam("new_service_id"))
    .values(finished_at=bindparam("new_finished_at"))
)


def _sent_message(message: Claimed, result: SendResult, now: datetime) -> dict[str, Any]:
    recipients = _after_result(message, result)
    return {
        "this_id": message.id,
        "new_recipients": recipients,
        "new_service_id": result.service_id[:400],
        "new_finished_at": now,
    }


def _sent_attempt(message: Claimed, result: SendResult, now: datetime) -> dict[str, Any]:
    return {
        "this_id": message.id,
        "this_try": message.attempt_count + 1,
        "new_answer": result.text,
        "new_service_id": result.service_id[:400],
        "new_finished_at": now,
    }


def record_failed(
    session: Session, message: Claimed, config: OutboundConfig, error: TransportError, now: datetime
) -> bool:
    """The try failed: ends the mail, keeps it for later, or leaves its outcome unknown; judges the setup."""
    explanation = explain_failure(error, settings=config.settings)
    state, outcome = _after_error(message, config, error, now, explanation)
    settled = _settle(
        session,
        message,
        now,
        state=state,
        attempt={
            "outcome": outcome,
            "stage": error.stage[:20],
            "code": error.code[:80],
            "answer": error.raw,
            "explanation": explanation,
        },
    )
    if error.scope == "backend":
        judge_setup(session, config, error, now)
    elif error.permanent and error.channel == "smtp_reply":
        health.mail_refused(session, config, error)
    return settled


def record_unfit(session: Session, message: Claimed, explanation: Mapping[str, Any], now: datetime) -> bool:
    """The mail itself cannot be sent, whatever the service: it ends."""
    state = {**_ended(FAILED, now), "last_explanation": dict(explanation)}
    attempt = {"outcome": FAILED, "stage": "settings", "explanation": dict(explanation)}
    return _settle(session, message, now, state=state, attempt=attempt)


def record_fault(session: Session, message: Claimed, explanation: Mapping[str, Any], now: datetime) -> bool:
    """A fault of ours: the mail is tried again later."""
    state = {**_later(message, now), "last_explanation": dict(explanation)}
    return _settle(session, message, now, state=state, attempt={"outcome": DEFERRED, "explanation": dict(explanation)})


def unknown_state(
    message_policy: str, retry_step: int, now: datetime, explanation: Mapping[str, Any]
) -> dict[str, Any]:
    """What becomes of a mail whose outcome nobody knows: sent once more as possible duplicate, or held."""
    kept = {"lease_token": None, "lease_until": None, "last_explanation": dict(explanation)}
    if message_policy == HOLD:
        return {"status": UNKNOWN, **kept}
    again = {"status": QUEUED, "possible_duplicate": True, "retry_step": retry_step + 1}
    return {**again, **kept, "next_attempt_at": now + retry.message_delay(retry_step + 1)}


def looked_up_next(raw: str = "") -> dict[str, Any]:
    """What is told of a mail whose outcome the next try finds out."""
    return {**explanations.LOOKED_UP_NEXT, "raw": raw, "quote": raw}


def _after_error(
    message: Claimed, config: OutboundConfig, error: TransportError, now: datetime, explanation: Mapping[str, Any]
) -> tuple[dict[str, Any], str]:
    told: dict[str, Any] = {"last_explanation": dict(explanation)}
    if error.ambiguous and error.looks_up:
        return {**_later(message, now), "last_explanation": looked_up_next(error.raw)}, UNKNOWN
    if error.ambiguous:
        doubt = {**explanations.OUTCOME_UNKNOWN, "raw": error.raw, "quote": error.raw}
        return {**unknown_state(config.unknown_policy, message.retry_step, now, doubt), "handle": None}, UNKNOWN
    if error.scope == "backend":
        # The setup waits, not the mail: it is due the moment the setup may send again.
        return {"status": QUEUED, "lease_token": None, "lease_until": None, **told}, DEFERRED
    recipients = _after_refusals(message, error)
    told["recipients"] = recipients
    if any(entry["state"] == WAITING for entry in recipients):
        return {**_later(message, now, at_least=error.retry_after), **told}, DEFERRED
    # What it was named is gone with the refusal; whether there was a name stays known.
    told["handle"] = case((messages.c.handle.is_not(None), ""), else_=None)
    # Whoever was accepted by an earlier try has the mail: it did not fail.
    accepted = any(entry["state"] == ACCEPTED for entry in recipients)
    return {**_ended(SENT if accepted else FAILED, now), **told}, FAILED


def _settle(
    session: Session, message: Claimed, now: datetime, *, state: Mapping[str, Any], attempt: Mapping[str, Any]
) -> bool:
    mine = (
        update(messages)
        .where(messages.c.id == message.id, messages.c.lease_token == message.token, messages.c.status == SENDING)
        .values(**state)
    )
    if not session.connection().execute(mine).rowcount:
        log.warning("late_result_ignored", message=str(message.id), outcome=attempt["outcome"])
        return False
    number = attempts.c.number == message.attempt_count + 1
    noted = update(attempts).where(attempts.c.message_id == message.id, number).values(finished_at=now, **attempt)
    session.connection().execute(noted)
    happenings.tell(session, message.workspace_id, state["status"], [message.id], now)
    return True


def _ended(status: str, now: datetime) -> dict[str, Any]:
    return {"status": status, "finished_at": now, "lease_token": None, "lease_until": None}


def _later(message: Claimed, now: datetime, *, at_least: float | None = None) -> dict[str, Any]:
    step = message.retry_step + 1
    pause = max(retry.message_delay(step), timedelta(seconds=min(at_least or 0, 3600)))
    return {
        "status": QUEUED, "lease_token": None, "lease_until": None, "retry_step": step, "next_attempt_at": now + pause,
    }  # fmt: skip


def _after_result(message: Claimed, result: SendResult) -> list[dict[str, Any]]:
    refusals = {refusal.recipient.lower(): refusal for refusal in result.refused}
    after = []
    for entry in message.recipients:
        refusal = refusals.get(entry["address"].lower())
        if entry["state"] != WAITING:
            after.append(entry)
        elif refusal is None:
            after.append({**entry, "state": ACCEPTED, "code": "", "text": ""})
        else:
            state = REFUSED if refusal.permanent else WAITING
            after.append({**entry, "state": state, "code": refusal.code, "text": refusal.text})
    return after


def _after_refusals(message: Claimed, error: TransportError) -> list[dict[str, Any]]:
    """Who is refused for good; without a word about single recipients, what holds for the mail holds for all."""
    named = {refusal.recipient.lower(): refusal for refusal in error.context.get("refused", ())}
    after = []
    for entry in message.recipients:
        refusal = named.get(entry["address"].lower())
        permanent = refusal.permanent if refusal else error.permanent
        words = (refusal.code, refusal.text) if refusal else (error.code, error.raw)
        state = REFUSED if permanent else WAITING
        after.append(
            {**entry, "state": state, "code": words[0], "text": words[1]} if entry["state"] == WAITING else entry
        )
    return after


def judge_setup(session: Session, config: OutboundConfig, error: TransportError, now: datetime) -> None:
    """What a failure that is not the mail's own means for the setup, its mailbox and its server."""
    if hosts.away(error):
        hosts.failed(session, config, error, now)
    # Several lanes lose the same server in the same moment: that is one failure, not several.
    paused = config.blocked_until is not None and config.blocked_until > now
    if not config.sends:
        health.failed_again(session, config)
        return
    if paused and not error.permanent and error.retry_after is None:
        return
    _pause_mailbox(session, config, error, now)
    if error.crowded and config.mailbox_key and mailboxes.use_fewer_lanes(session, config, now):
        return
    health.backend_failed(session, config, error)
    if config.sends and (config.blocked_until is None or config.blocked_until <= now):
        config.blocked_until = now + retry.setup_delay(config.failures_in_row)


def _pause_mailbox(session: Session, config: OutboundConfig, error: TransportError, now: datetime) -> None:
    """Whoever sends through this mailbox waits as long as the service asks; for fewer connections, a moment."""
    asked = error.retry_after or (CROWDED_SECONDS if error.crowded else None)
    if asked is None or error.permanent or not config.mailbox_key:
        return
    low, high = health.RETRY_AFTER_LIMITS
    until = now + timedelta(seconds=min(max(asked, low), high))
    mailboxes.pause(session, config.mailbox_key, until, mailboxes.ASKED, now)
