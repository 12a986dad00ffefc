"""Rows as programs read them: only what is listed here leaves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mailsetup.diagnosis.models import TestRun
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox.models import DeliveryAttempt, Message

PATH = "/api/v1"
SEND, CHECK = "send", "check"
DEPTHS = (SEND, CHECK)  # how far a test goes


def when(moment: datetime | None) -> str | None:
    """A moment in UTC as RFC 3339 has it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


def accepted(message: Message) -> dict[str, Any]:
    """The answer to a mail that is now in our hands; the same however often it is asked for."""
    return {
        "id": str(message.id),
        "status": "queued",
        "created_at": when(message.created_at),
        "links": {"self": f"{PATH}/messages/{message.id}"},
    }


def summary(message: Message) -> dict[str, Any]:
    """A message in a list."""
    return {
        "id": str(message.id),
        "status": message.status,
        "subject": message.subject,
        "from": message.from_address,
        "recipients": [
            {name: entry.get(name, "") for name in ("address", "state", "code", "text")} for entry in message.recipients
        ],
        "config": str(message.config_id) if message.config_id else None,
        "priority": message.priority_name,
        "metadata": message.message_metadata,
        "message_id": message.message_id or None,
        "size": message.size,
        "possible_duplicate": message.possible_duplicate,
        "attempt_count": message.attempt_count,
        "created_at": when(message.created_at),
        "next_attempt_at": when(message.next_attempt_at) if message.status == "queued" else None,
        "expires_at": when(message.expires_at),
        "finished_at": when(message.finished_at),
        "service_id": message.service_id or None,
        "explanation": message.last_explanation,
        "links": {"self": f"{PATH}/messages/{message.id}"},
    }


def full(message: Message) -> dict[str, Any]:
    """A message with every attempt."""
    return {**summary(message), "attempts": [_attempt(attempt) for attempt in message.attempts]}


def _attempt(attempt: DeliveryAttempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "outcome": attempt.outcome or "running",
        "stage": attempt.stage or None,
        "code": attempt.code or None,
        "answer": attempt.answer or None,
        "explanation": attempt.explanation,
        "started_at": when(attempt.started_at),
        "finished_at": when(attempt.finished_at),
        "service_id": attempt.service_id or None,
    }


def setup(config: OutboundConfig, waiting: int, resumes_at: datetime | None) -> dict[str, Any]:
    """A setup and its health."""
    return {
        "id": str(config.id),
        "name": config.name,
        "kind": config.kind,
        "from_address": config.from_address,
        "is_default": config.is_default,
        "health": config.health,
        "health_reason": config.health_reason or None,
        "health_since": when(config.health_since),
        "resumes_at": when(resumes_at),
        "waiting": waiting,
        "tested_at": when(config.tested_at),
    }


def test_run(run: TestRun) -> dict[str, Any]:
    """A test and its stages."""
    stages = [
        {
            "name": stage.name,
            "state": stage.state,
            "milliseconds": stage.milliseconds,
            "verdict": stage.verdict or None,
            "evidence": stage.evidence,
        }
        for stage in run.stages
    ]
    return {
        "id": str(run.id),
        "config": str(run.config_id) if run.config_id else None,
        "depth": CHECK if run.check_only else SEND,
        "state": run.state,
        "recipient": run.recipient,
        "message_id": run.message_id or None,
        "arrival": run.arrival,
        "worker": run.worker or None,
        "waits_because": None,
        "stages": stages,
        "explanation": run.explanation,
        "created_at": when(run.created_at),
        "finished_at": when(run.finished_at),
        "links": {"self": f"{PATH}/tests/{run.id}"},
    }
