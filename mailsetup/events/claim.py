"""Which events go out now, and what came of each try. One worker at a time serves an endpoint, under a lease."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, CursorResult, Select, Update, and_, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from mailsetup.alerts.open import open_alert, resolve_alerts
from mailsetup.core.clock import utcnow
from mailsetup.core.redact import Secret
from mailsetup.events import retry
from mailsetup.events.endpoints import subject_key
from mailsetup.events.models import PENDING, SENT, EventDelivery, EventEndpoint
from mailsetup.events.signing import signing_secrets
from mailsetup.mail_services.webhooks import Outcome

BATCH = 50
LEASE = timedelta(minutes=5)
ALERT_AFTER = timedelta(minutes=15)
GONE = 410
# Answers that are about the receiver as it is now, not about the event.
PASSING = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Call:
    """One event to hand over."""

    id: uuid.UUID
    webhook_id: str
    subject: str
    body: str


@dataclass(frozen=True)
class Claimed:
    """An endpoint under our lease, and the events that are due for it, in order."""

    endpoint_id: uuid.UUID
    token: str
    url: str
    secrets: tuple[Secret, ...]
    calls: tuple[Call, ...]


def is_free(now: datetime) -> ColumnElement[bool]:
    """Whether an endpoint may be called now and nobody serves it."""
    rested = or_(EventEndpoint.blocked_until.is_(None), EventEndpoint.blocked_until <= now)
    unheld = or_(EventEndpoint.lease_until.is_(None), EventEndpoint.lease_until < now)
    return and_(EventEndpoint.active, EventEndpoint.deleted_at.is_(None), rested, unheld)


def due_endpoints(session: Session, now: datetime, *, limit: int = 100) -> list[uuid.UUID]:
    """Endpoints that have something to hear now."""
    waits = exists().where(
        EventDelivery.endpoint_id == EventEndpoint.id,
        EventDelivery.state == PENDING,
        EventDelivery.next_attempt_at <= now,
    )
    return list(session.scalars(select(EventEndpoint.id).where(is_free(now), waits).limit(limit)))


def claim(session: Session, endpoint_id: uuid.UUID) -> Claimed | None:
    """Takes an endpoint and its next events; None when another worker has it. Raises UnsealError."""
    now, token = utcnow(), secrets.token_hex(16)
    taken = update(EventEndpoint).where(EventEndpoint.id == endpoint_id, is_free(now))
    held = {"lease_token": token, "lease_until": now + LEASE}
    if not _changed(session, taken.values(**held)):
        return None
    endpoint = session.get_one(EventEndpoint, endpoint_id, populate_existing=True)
    rows = session.scalars(_due(endpoint_id, now)).all()
    calls = tuple(Call(row.id, row.webhook_id, row.subject, row.body) for row in rows)
    return Claimed(endpoint_id, token, endpoint.url, signing_secrets(session, endpoint), calls)


def _due(endpoint_id: uuid.UUID, now: datetime) -> Select[EventDelivery]:
    earlier = aliased(EventDelivery)
    waits_for = exists().where(
        earlier.endpoint_id == endpoint_id,
        earlier.state == PENDING,
        earlier.subject == EventDelivery.subject,
        earlier.id < EventDelivery.id,
        earlier.next_attempt_at > now,
    )
    due = EventDelivery.endpoint_id == endpoint_id, EventDelivery.state == PENDING, EventDelivery.next_attempt_at <= now
    return select(EventDelivery).where(*due, ~waits_for).order_by(EventDelivery.id).limit(BATCH)


def release(session: Session, claimed: Claimed) -> None:
    """Gives the endpoint back."""
    mine = EventEndpoint.id == claimed.endpoint_id, EventEndpoint.lease_token == claimed.token
    session.execute(update(EventEndpoint).where(*mine).values(lease_token=None, lease_until=None))


def record(session: Session, claimed: Claimed, call: Call, outcome: Outcome) -> None:
    """What came of one try, on the event and on its endpoint."""
    endpoint = session.scalars(
        select(EventEndpoint).where(EventEndpoint.id == claimed.endpoint_id).with_for_update()
    ).one_or_none()
    delivery = session.get(EventDelivery, call.id)
    if endpoint is None or delivery is None or delivery.state != PENDING:
        return
    delivery.attempts += 1
    delivery.status, delivery.words, delivery.quote = outcome.status, outcome.words, outcome.quote
    if outcome.accepted:
        _accepted(session, endpoint, delivery)
    else:
        _refused(session, endpoint, delivery, outcome)


def _accepted(session: Session, endpoint: EventEndpoint, delivery: EventDelivery) -> None:
    now = utcnow()
    delivery.state, delivery.finished_at = SENT, now
    was_failing = endpoint.failing_since is not None
    endpoint.failures_in_row, endpoint.failing_since, endpoint.blocked_until = 0, None, None
    endpoint.last_sent_at, endpoint.last_error = now, ""
    if was_failing:
        resolve_alerts(
            session,
            workspace_id=endpoint.workspace_id,
            subject_key=subject_key(endpoint),
            resolution="The receiver accepts events again.",
        )


def _refused(session: Session, endpoint: EventEndpoint, delivery: EventDelivery, outcome: Outcome) -> None:
    now = utcnow()
    # Calls that were on their way at the same time are one failure, not several.
    endpoint.failures_in_row += endpoint.blocked_until is None or endpoint.blocked_until <= now
    endpoint.failing_since = endpoint.failing_since or now
    endpoint.last_error = outcome.words
    pause = retry.endpoint_delay(endpoint.failures_in_row, outcome.retry_after)
    endpoint.blocked_until = max(now + pause, endpoint.blocked_until or now)
    if outcome.status is not None and 300 <= outcome.status < 500 and outcome.status not in PASSING:
        # It may be about this event alone, so the others are tried before it comes again.
        delivery.next_attempt_at = now + retry.event_delay(delivery.attempts)
    if outcome.status == GONE:
        endpoint.active = False
        endpoint.stopped_because = "The receiver answered 410: it asks not to be called here any more."
    if not endpoint.active or now - endpoint.failing_since > ALERT_AFTER:
        _alert(session, endpoint)


def _alert(session: Session, endpoint: EventEndpoint) -> None:
    explanation = {
        "title": "Events do not arrive",
        "what": endpoint.stopped_because or endpoint.last_error,
        "explanation": endpoint.stopped_because or endpoint.last_error,
        "steps": [
            "Ask whoever runs the receiver whether it works.",
            "Then choose Test on the page of the webhook. Events that wait follow by themselves.",
        ],
        "who": "Whoever runs the receiver",
        "quote": "",
    }
    open_alert(
        session,
        workspace_id=endpoint.workspace_id,
        subject_key=subject_key(endpoint),
        subject_label=endpoint.name,
        cause="events_not_delivered",
        severity="warning",
        title=f"Events do not arrive at “{endpoint.name}”",
        explanation=explanation,
        fix_path=f"/events/{endpoint.id}",
        notify_address="",
    )


def _changed(session: Session, statement: Update) -> bool:
    done = session.execute(statement, execution_options={"synchronize_session": False})
    return isinstance(done, CursorResult) and done.rowcount == 1
