"""What people do with endpoints: add, change, give a new secret, pause, delete, test, send again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from mailsetup.alerts.open import resolve_alerts
from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import Conflict, InvalidInput, NotFound
from mailsetup.core.ids import new_id
from mailsetup.core.redact import Secret
from mailsetup.events.catalogue import TEST, WORDS
from mailsetup.events.emit import JOB, TRIED_FOR, Happening, forget_endpoints, write
from mailsetup.events.models import FAILED, PENDING, SENT, EventDelivery, EventEndpoint
from mailsetup.events.signing import give_secret
from mailsetup.mail_services.webhooks import clean_url
from mailsetup.workspaces import audit, quotas
from mailsetup.workspaces.audit import Actor

NAME_LIMIT = 120
TESTS_AN_HOUR = 30


def subject_key(endpoint: EventEndpoint) -> str:
    """Under which key alerts about this endpoint are kept."""
    return f"events:{endpoint.id}"


def list_endpoints(session: Session, workspace_id: uuid.UUID) -> list[EventEndpoint]:
    """The workspace's endpoints, oldest first."""
    wanted = select(EventEndpoint).where(EventEndpoint.workspace_id == workspace_id, EventEndpoint.deleted_at.is_(None))
    return list(session.scalars(wanted.order_by(EventEndpoint.created_at, EventEndpoint.id)))


def _count(session: Session, workspace_id: uuid.UUID, _since: datetime) -> int:
    there = EventEndpoint.workspace_id == workspace_id, EventEndpoint.deleted_at.is_(None)
    return session.scalar(select(func.count()).where(*there)) or 0


quotas.counters[quotas.WEBHOOKS] = _count


def fetch_endpoint(session: Session, workspace_id: uuid.UUID, endpoint_id: uuid.UUID) -> EventEndpoint:
    """The endpoint. Raises NotFound, also when it was deleted."""
    endpoint = fetch_owned(session, EventEndpoint, workspace_id, endpoint_id)
    if endpoint.deleted_at is not None:
        raise NotFound("no such endpoint")
    return endpoint


def add_endpoint(
    session: Session, *, workspace_id: uuid.UUID, actor: Actor, name: str, url: str, types: Sequence[str]
) -> tuple[EventEndpoint, Secret]:
    """A new endpoint and its secret, which is shown this once. Raises InvalidInput, QuotaReached."""
    values = _cleaned(name, url, types)
    quotas.check(session, workspace_id, quotas.WEBHOOKS)
    endpoint = EventEndpoint(id=new_id(), workspace_id=workspace_id, sealed_secret="", secret_version=1, **values)
    secret = give_secret(session, endpoint)
    session.add(endpoint)
    _record(session, endpoint, actor, "webhook:add", address=endpoint.url)
    return endpoint, secret


def change_endpoint(
    session: Session, endpoint: EventEndpoint, *, actor: Actor, name: str, url: str, types: Sequence[str]
) -> None:
    """Other values; events that wait go to the new address. Raises InvalidInput."""
    values = _cleaned(name, url, types)
    changes = [field for field, value in values.items() if getattr(endpoint, field) != value]
    for field, value in values.items():
        setattr(endpoint, field, value)
    if "url" in changes:
        _start_anew(session, endpoint, "The address was changed.")
    _record(session, endpoint, actor, "webhook:change", fields=changes)


def _cleaned(name: str, url: str, types: Sequence[str]) -> dict[str, Any]:
    wrong: dict[str, str] = {}
    name = " ".join(name.split())
    if not name or len(name) > NAME_LIMIT:
        wrong["name"] = f"Give it a name of at most {NAME_LIMIT} characters, such as “Shop”."
    try:
        url = clean_url(url)
    except ValueError as error:
        wrong["url"] = str(error)
    chosen = [event for event in WORDS if event in types]
    if not chosen:
        wrong["types"] = "Choose at least one event."
    if wrong:
        raise InvalidInput(wrong)
    return {"name": name, "url": url, "types": chosen}


def renew_secret(session: Session, endpoint: EventEndpoint, *, actor: Actor) -> Secret:
    """Another secret, shown this once; the old one signs too for a day."""
    secret = give_secret(session, endpoint)
    _record(session, endpoint, actor, "webhook:renew_secret")
    return secret


def set_active(session: Session, endpoint: EventEndpoint, *, actor: Actor, active: bool) -> None:
    """Pauses the calls, or goes on; while it is paused no event is written for it."""
    endpoint.active, endpoint.stopped_because = active, ""
    _start_anew(session, endpoint, "The webhook goes on." if active else "The webhook was paused.")
    _record(session, endpoint, actor, "webhook:resume" if active else "webhook:pause")


def delete_endpoint(session: Session, endpoint: EventEndpoint, *, actor: Actor) -> None:
    """Ends it; what waits is not sent any more."""
    endpoint.deleted_at, endpoint.active = utcnow(), False
    ended = {"state": FAILED, "finished_at": utcnow(), "words": "The webhook was deleted."}
    waiting = EventDelivery.endpoint_id == endpoint.id, EventDelivery.state == PENDING
    session.execute(update(EventDelivery).where(*waiting).values(**ended))
    _start_anew(session, endpoint, "The webhook was deleted.")
    _record(session, endpoint, actor, "webhook:delete")


def _start_anew(session: Session, endpoint: EventEndpoint, resolution: str) -> None:
    endpoint.failures_in_row, endpoint.failing_since, endpoint.blocked_until = 0, None, None
    resolve_alerts(
        session, workspace_id=endpoint.workspace_id, subject_key=subject_key(endpoint), resolution=resolution
    )
    queues.enqueue_after_commit(session, JOB)
    forget_endpoints()


def send_test(session: Session, endpoint: EventEndpoint, *, actor: Actor) -> None:
    """One event that says it is a test, on the same way as all others. Raises Conflict."""
    quotas.take_turns(session, endpoint.workspace_id)
    recent = select(func.count()).where(
        EventDelivery.endpoint_id == endpoint.id,
        EventDelivery.type == TEST,
        EventDelivery.created_at > utcnow() - timedelta(hours=1),
    )
    if (session.scalar(recent) or 0) >= TESTS_AN_HOUR:
        raise Conflict(f"{TESTS_AN_HOUR} tests were sent within an hour. Try again later; nothing was sent now.")
    if not endpoint.active:
        raise Conflict("The webhook is paused. Let it go on first, then test it.")
    # A person waits for this one: the pause after a failure is over.
    endpoint.blocked_until = None
    happened = Happening(f"test:{new_id()}", {"webhook": endpoint.name, "sent_by": actor.label})
    write(session, endpoint.workspace_id, TEST, [happened], listeners=[endpoint.id])
    _record(session, endpoint, actor, "webhook:test")


def send_again(session: Session, endpoint: EventEndpoint, *, actor: Actor, delivery_id: uuid.UUID | None) -> int:
    """Sends one event again, or every failed one; each under its own id. Raises NotFound."""
    wanted = update(EventDelivery).where(EventDelivery.endpoint_id == endpoint.id)
    if delivery_id is None:
        wanted = wanted.where(EventDelivery.state == FAILED)
    else:
        fetch_delivery(session, endpoint, delivery_id)
        wanted = wanted.where(EventDelivery.id == delivery_id, EventDelivery.state.in_((FAILED, SENT)))
    fresh = {"state": PENDING, "attempts": 0, "finished_at": None, "next_attempt_at": utcnow()}
    done = session.execute(wanted.values(**fresh, expires_at=utcnow() + TRIED_FOR))
    count = done.rowcount if isinstance(done, CursorResult) else 0
    queues.enqueue_after_commit(session, JOB)
    _record(session, endpoint, actor, "webhook:send_again", events=str(count))
    return count


def fetch_delivery(session: Session, endpoint: EventEndpoint, delivery_id: uuid.UUID) -> EventDelivery:
    """One event of this endpoint. Raises NotFound."""
    delivery = fetch_owned(session, EventDelivery, endpoint.workspace_id, delivery_id)
    if delivery.endpoint_id != endpoint.id:
        raise NotFound("no such event")
    return delivery


def _record(session: Session, endpoint: EventEndpoint, actor: Actor, action: str, **detail: Any) -> None:
    forget_endpoints()
    audit.record(
        session,
        endpoint.workspace_id,
        actor=actor,
        action=action,
        subject=endpoint.name,
        subject_id=endpoint.id,
        **detail,
    )
