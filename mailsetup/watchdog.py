"""Notices when nobody sends, sweeps or serves any more: web and scheduler each watch the other, and both the workers.

Whoever is missing for a minute becomes an alert of the operator, which ends by itself when somebody is back. While no
worker sends notices, the watchdog sends them itself: an alert about missing workers must not wait for a worker.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.alerts.jobs import send_notices
from mailsetup.alerts.models import Alert
from mailsetup.alerts.open import open_alert, resolve_alerts
from mailsetup.core import heartbeats, leases, queues, stopping
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.core.heartbeats import EVERY_SECONDS, SCHEDULER, WEB, role_of
from mailsetup.workspaces import sealing

CAUSE = "process_missing"
NOTICES = role_of(queues.ALERTS)
# What stops without them, and what that means; the roles are named as the lines of the Procfile that start them.
STOPS = {
    role_of(queues.MAIL): ("No worker sends mail", "Mail waits; none is lost."),
    role_of(queues.TESTS): ("No worker runs tests", "Tests, probes and renewals of sign-ins wait."),
    NOTICES: ("No worker sends notices", "Web and scheduler send them meanwhile, more slowly."),
    role_of(queues.EVENTS): ("No worker calls webhooks", "Events wait; none is lost."),
    SCHEDULER: ("No scheduler runs", "Retries, reminders and probes rest; new mail still leaves."),
    WEB: ("No web process runs", "Nobody can sign in, and the API takes no mail."),
}
log = structlog.get_logger()


class Watchdog:
    """Says that its own process lives, and looks after the others."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.name = f"{role}:{leases.new_holder()}"
        self.missing_after = timedelta(seconds=settings.current().missing_after)
        # Others may still be starting when this process does.
        self.began = utcnow()
        self._next_beat = 0.0
        self._sending = threading.Lock()

    def beat(self) -> None:
        """This process is alive; said every few seconds, however often it is called."""
        if time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + EVERY_SECONDS
        try:
            with session_scope() as session:
                heartbeats.beat(session, self.name, self.role)
        except SQLAlchemyError as error:
            log.warning("heartbeat_database_away", error=type(error).__name__)

    def look(self, session: Session) -> None:
        """Opens and ends alerts about who is missing, and sends what nobody else would send."""
        sealing.forget_destroyed(session)
        seen, now = heartbeats.last_seen(session), utcnow()
        missing = {role for role in STOPS if self._is_missing(role, seen.get(role), now)}
        reported = _reported(session)
        for role in sorted(missing - reported):
            _report(session, role, self.missing_after)
        for role in sorted(reported - missing):
            if role in seen and now - seen[role] < self.missing_after:
                resolve_alerts(session, workspace_id=None, subject_key=_subject(role), resolution="It runs again.")
        heartbeats.forget_old(session)
        if NOTICES in missing:
            # Asked again at each look, so what this one writes is sent by the next at the latest.
            threading.Thread(target=self._send_notices, name="notices", daemon=True).start()

    def _is_missing(self, role: str, seen: datetime | None, now: datetime) -> bool:
        # Where no web process was heard of for a day, none is meant to run here.
        if role == self.role or (role == WEB and seen is None):
            return False
        return now - max(seen or self.began, self.began) > self.missing_after

    def _send_notices(self) -> None:
        if not self._sending.acquire(blocking=False):
            return
        try:
            send_notices()
        except SQLAlchemyError as error:
            log.warning("notices_database_away", error=type(error).__name__)
        finally:
            self._sending.release()


def _reported(session: Session) -> set[str]:
    is_open = Alert.workspace_id.is_(None), Alert.cause == CAUSE, Alert.resolved_at.is_(None)
    return {key.partition(":")[2] for key in session.scalars(select(Alert.subject_key).where(*is_open))}


def _subject(role: str) -> str:
    return f"process:{role}"


def _report(session: Session, role: str, missing_after: timedelta) -> None:
    title, stops = STOPS[role]
    heard = f"Nothing was heard of the process {role} for {missing_after.total_seconds():.0f} seconds. {stops}"
    explanation: dict[str, Any] = {
        "title": title,
        "what": heard,
        "explanation": heard,
        "steps": [
            f"Start the line {role} of the Procfile, and look why it ended.",
            "Run `flask --app app doctor` to see what else is missing.",
            "This alert ends by itself when it runs again.",
        ],
        "who": "You, who runs this installation",
        "quote": "",
    }
    log.error("process_missing", role=role)
    open_alert(
        session,
        workspace_id=None,
        subject_key=_subject(role),
        subject_label=role,
        cause=CAUSE,
        title=title,
        explanation=explanation,
        fix_path="/operator",
        notify_address="",
    )


def watch(role: str) -> threading.Thread:
    """Looks from now on, in a thread of its own, until the process is asked to stop."""
    thread = threading.Thread(target=_look_on, args=(Watchdog(role),), name="watchdog", daemon=True)
    thread.start()
    return thread


def _look_on(watchdog: Watchdog) -> None:
    while not stopping.wait(EVERY_SECONDS):
        watchdog.beat()
        try:
            with session_scope() as session:
                watchdog.look(session)
        except Exception:  # The edge of the thread: recorded, and looked at again.
            log.exception("watchdog_failed")
