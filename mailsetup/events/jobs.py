"""Calls receivers: what the queue named events runs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog
from sqlalchemy.exc import SQLAlchemyError

from mailsetup.core import queues, stopping
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.core.errors import UnsealError
from mailsetup.events.claim import Call, Claimed, claim, due_endpoints, record, release
from mailsetup.events.emit import JOB
from mailsetup.mail_services.webhooks import Outcome, post_signed
from mailsetup.platform import current_platform

TURN_SECONDS = 120.0
ENDPOINTS_AT_ONCE, CALLS_AT_ONCE = 8, 4

log = structlog.get_logger()


def deliver_events() -> None:
    """Calls every receiver that has something to hear; rings again when its turn is over before the work is."""
    queues.answered(JOB)
    end = time.monotonic() + TURN_SECONDS
    try:
        with ThreadPoolExecutor(ENDPOINTS_AT_ONCE, thread_name_prefix="events") as pool:
            while time.monotonic() < end and not stopping.requested():
                with session_scope() as session:
                    waiting = due_endpoints(session, utcnow())
                if not any(list(pool.map(_serve, waiting))):
                    return
    except SQLAlchemyError as error:
        log.warning("events_database_away", error=type(error).__name__)
        return
    queues.ring(JOB)


def _serve(endpoint_id: uuid.UUID) -> bool:
    """Calls one receiver with a batch of events; whether it was called at all."""
    try:
        with session_scope() as session:
            claimed = claim(session, endpoint_id)
    except UnsealError:
        log.error("event_secret_does_not_open", endpoint=str(endpoint_id))
        return False
    if claimed is None:
        return False
    try:
        with ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="calls") as pool:
            one = _Receiver(claimed)
            list(pool.map(one.call_in_order, _by_subject(claimed.calls)))
    finally:
        with session_scope() as session:
            release(session, claimed)
    return bool(claimed.calls)


def _by_subject(calls: Sequence[Call]) -> list[list[Call]]:
    found: dict[str, list[Call]] = {}
    for call in calls:
        found.setdefault(call.subject, []).append(call)
    return list(found.values())


class _Receiver:
    """One receiver during one batch; after its first failure it is left in peace until its pause is over."""

    def __init__(self, claimed: Claimed) -> None:
        self.claimed = claimed
        self.failed = False

    def call_in_order(self, calls: Sequence[Call]) -> None:
        """The events about one thing, one after the other."""
        for call in calls:
            if self.failed or stopping.requested():
                return
            outcome = self._call(call)
            self.failed = self.failed or not outcome.accepted
            with session_scope() as session:
                record(session, self.claimed, call, outcome)

    def _call(self, call: Call) -> Outcome:
        try:
            return post_signed(
                self.claimed.url,
                call.body.encode(),
                message_id=call.webhook_id,
                secrets=self.claimed.secrets,
                door=current_platform().door,
            )
        except Exception as error:  # The job edge: a fault of ours counts as a failed try, and is recorded.
            log.exception("event_fault", event=str(call.id), error=type(error).__name__)
            return Outcome(False, "settings", "A fault on our side kept it from being sent. It is recorded.")
