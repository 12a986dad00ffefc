"""Conducts one test run: the delivery in a thread of its own, watched for its deadline and for a cancel."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import CursorResult, select, update

from mailsetup.core import walls
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.core.errors import InvalidInput
from mailsetup.credentials.models import Credential
from mailsetup.diagnosis import ending
from mailsetup.diagnosis.connecting import service_of
from mailsetup.diagnosis.models import RUNNING, WAITING, TestRun
from mailsetup.diagnosis.report import RunReport, Stopped
from mailsetup.diagnosis.test_mail import build_test_mail
from mailsetup.mail_services import registry
from mailsetup.mail_services.base import MailService, SendResult
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound.explain import OWN_CHANNEL, explain_failure, own_explanation, public_context
from mailsetup.platform import current_platform

DEADLINE_SECONDS = 60.0
WATCH_SECONDS = 0.25
SETTINGS = "settings"
# Imported by the worker before it forks: these are its own name and age, whichever child runs the test.
WORKER = f"{os.uname().nodename}, process {os.getpid()}"
WORKER_SINCE = utcnow()

log = structlog.get_logger()


@dataclass
class Outcome:
    """How the delivery ended; nothing at all while it goes on."""

    result: SendResult | None = None
    error: TransportError | None = None
    fault: str = ""


def claim(run_id: uuid.UUID) -> TestRun | None:
    """The run, now running; None when somebody else has it or it was ended."""
    now = utcnow()
    mine = update(TestRun).where(TestRun.id == run_id, TestRun.state == WAITING)
    values = {
        "state": RUNNING,
        "started_at": now,
        "deadline_at": now + timedelta(seconds=DEADLINE_SECONDS),
        "worker": WORKER[:120],
        "worker_since": WORKER_SINCE,
    }
    with session_scope() as session:
        claimed = session.execute(mine.values(**values))
        if not isinstance(claimed, CursorResult) or claimed.rowcount != 1:
            return None
        return session.get(TestRun, run_id)


def conduct(run: TestRun, *, deadline_seconds: float = DEADLINE_SECONDS) -> None:
    """Runs the test to a verdict, whatever happens."""
    public = _public(run)

    def explained(error: TransportError) -> dict[str, Any]:
        return explain_failure(error, settings=run.settings, public=public)

    report = RunReport(run.id, verdict_of=lambda error: str(explained(error)["title"]))
    outcome = Outcome()
    thread = threading.Thread(target=_deliver, args=(run, report, outcome), daemon=True, name="test-run")
    thread.start()
    late = _watch(run.id, thread, time.monotonic() + deadline_seconds)
    report.close()
    _record(run.id, outcome, report, late=late, explained=explained)


def _public(run: TestRun) -> Mapping[str, str]:
    with session_scope() as session:
        credential = session.get(Credential, run.credential_id) if run.credential_id else None
        return public_context(session, credential)


def _deliver(run: TestRun, report: RunReport, outcome: Outcome) -> None:
    """The very delivery that the outbox makes, told to the report."""
    with walls.only(run.workspace_id):
        _deliver_within(run, report, outcome)


def _deliver_within(run: TestRun, report: RunReport, outcome: Outcome) -> None:
    try:
        service = _prepared(run, report)
        try:
            outcome.result = _talk(run, service, report)
        finally:
            service.close()
    except TransportError as error:
        outcome.error = error
    except Stopped:
        return
    except Exception as error:  # The job edge: the run ends with a verdict, the fault is recorded.
        log.exception("test_run_failed", run_id=str(run.id))
        outcome.fault = type(error).__name__


def _talk(run: TestRun, service: MailService, report: RunReport) -> SendResult:
    mail = _mail(run)
    if run.check_only:
        service.check(mail, report)
        return SendResult("", "")
    _remember(run.id, mail.message_id)
    return service.deliver(mail, report)


def _remember(run_id: uuid.UUID, message_id: str) -> None:
    """Kept before the first byte leaves, so that the mail can be found again."""
    with session_scope() as session:
        session.execute(update(TestRun).where(TestRun.id == run_id).values(message_id=message_id[:300]))


def _prepared(run: TestRun, report: RunReport) -> MailService:
    with report.stage(SETTINGS):
        _check_again(run)
        return service_of(run)


def _check_again(run: TestRun) -> None:
    """The values pass their kind's checks today as well, not only when they were typed."""
    raw = {name: "" if value is None or value is False else str(value) for name, value in run.settings.items()}
    try:
        registry.get(run.kind).clean(raw, platform=current_platform())
    except InvalidInput as error:
        raise TransportError(
            str(error), channel=OWN_CHANNEL, stage=SETTINGS, code="settings_invalid", permanent=True
        ) from None


def _mail(run: TestRun) -> Any:
    return build_test_mail(
        run.settings,
        recipient=run.recipient,
        started_by=run.started_by_label or "mailsetup",
        label=registry.get(run.kind).label,
        run_id=str(run.id),
    )


def _watch(run_id: uuid.UUID, thread: threading.Thread, deadline: float) -> bool:
    """Waits for the delivery; True when it is still going on after its time."""
    while True:
        thread.join(min(WATCH_SECONDS, max(deadline - time.monotonic(), 0.01)))
        if not thread.is_alive() or _cancel_requested(run_id):
            return False
        if time.monotonic() >= deadline:
            return True


def _cancel_requested(run_id: uuid.UUID) -> bool:
    with session_scope() as session:
        return bool(session.scalar(select(TestRun.cancel_requested).where(TestRun.id == run_id)))


def _record(run_id: uuid.UUID, outcome: Outcome, report: RunReport, *, late: bool, explained: Any) -> None:
    with session_scope() as session:
        run = ending.fetch_unfinished(session, run_id)
        if run is None:
            return
        if outcome.result is not None:
            ending.end_passed(session, run, outcome.result)
        elif outcome.error is not None:
            ending.end_failed(session, run, explained(outcome.error), stage=outcome.error.stage or report.last_stage)
        elif run.cancel_requested and not late and not outcome.fault:
            ending.end_cancelled(session, run)
        else:
            code = "test_took_too_long" if late else "fault_on_our_side"
            ending.end_failed(session, run, own_explanation(code), stage=report.last_stage)
