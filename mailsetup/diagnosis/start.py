"""Starts a test of values, saved or not; says which one of the same values came last; keeps what people say of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NotRequired, TypedDict, Unpack

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import Conflict, InvalidInput
from mailsetup.credentials.models import Credential
from mailsetup.diagnosis.ending import end_cancelled, fetch_unfinished
from mailsetup.diagnosis.models import FINISHED, PASSED, WAITING, TestRun, TestStage
from mailsetup.mail_services import registry
from mailsetup.mail_services.values import email_address
from mailsetup.outbound import binding
from mailsetup.outbound.configs import usable_credential
from mailsetup.outbound.fingerprint import config_fingerprint, fingerprint
from mailsetup.workspaces import audit, quotas
from mailsetup.workspaces.audit import Actor

__all__ = [
    "TooManyTests",
    "cancel",
    "config_fingerprint",
    "fingerprint",
    "last_run",
    "note_arrival",
    "start_test_run",
]

JOB = "mailsetup.diagnosis.jobs.run_test"
WAIT_FOR_WORKER = timedelta(seconds=120)
LIMIT, LIMIT_WINDOW = 10, timedelta(minutes=1)
ANSWERS = {"yes": "test:arrived", "no": "test:not-arrived"}


class TooManyTests(Conflict):
    """A workspace asked for more tests a minute than it may; `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"{LIMIT} tests a minute is the most. Nothing was started; try again in {retry_after} s.")
        self.retry_after = retry_after


class TestValues(TypedDict):
    """What is tested and where the test mail goes; `settings` are cleaned by their kind already."""

    kind: str
    settings: Mapping[str, Any]
    credential_id: uuid.UUID | None
    recipient: str
    config_id: NotRequired[uuid.UUID | None]
    check_only: NotRequired[bool]


def start_test_run(
    session: Session, *, workspace_id: uuid.UUID, actor: Actor, user_id: uuid.UUID | None, **values: Unpack[TestValues]
) -> TestRun:
    """Writes the run with a pending stage each, and has a worker run it after commit.

    Raises InvalidInput by field, TooManyTests, QuotaReached, NotFound for ids of another workspace.
    """
    service = registry.get(values["kind"])
    recipient = _clean_recipient(values["recipient"])
    credential = usable_credential(session, workspace_id, values["kind"], values["credential_id"], user_id)
    binding.check(session, credential, values["settings"])
    quotas.take_turns(session, workspace_id)
    _refuse_flood(session, workspace_id)
    quotas.check(session, workspace_id, quotas.TESTS)
    run = _new_run(workspace_id, values, credential, recipient)
    run.started_by_id, run.started_by_label = user_id, actor.label
    run.stages = [
        TestStage(workspace_id=workspace_id, position=position, name=name)
        for position, name in enumerate(service.stages)
    ]
    session.add(run)
    session.flush()
    _record(session, run, "test:start", actor=actor)
    queues.enqueue_after_commit(session, JOB, str(run.id))
    return run


def _new_run(workspace_id: uuid.UUID, values: TestValues, credential: Credential | None, recipient: str) -> TestRun:
    version = credential.version if credential else None
    return TestRun(
        workspace_id=workspace_id,
        kind=values["kind"],
        settings=dict(values["settings"]),
        credential_id=values["credential_id"],
        credential_version=version,
        config_id=values.get("config_id"),
        check_only=values.get("check_only", False),
        fingerprint=fingerprint(values["kind"], values["settings"], values["credential_id"], version),
        recipient=recipient,
        deadline_at=utcnow() + WAIT_FOR_WORKER,
    )


def _clean_recipient(raw: str) -> str:
    try:
        return email_address(raw.strip())
    except ValueError:
        sentence = "Type the address the test mail goes to, like name@example.com."
        raise InvalidInput({"recipient": sentence}) from None


def _refuse_flood(session: Session, workspace_id: uuid.UUID) -> None:
    """Counted in the database, so that pages and API share one limit (a test must not be a port scanner)."""
    now = utcnow()
    recent = select(func.count(), func.min(TestRun.created_at)).where(
        TestRun.workspace_id == workspace_id, TestRun.created_at > now - LIMIT_WINDOW
    )
    number, oldest = session.execute(recent).one()
    if number >= LIMIT:
        raise TooManyTests(_seconds_until(oldest + LIMIT_WINDOW, now))


def _count(session: Session, workspace_id: uuid.UUID, since: datetime) -> int:
    begun = TestRun.workspace_id == workspace_id, TestRun.created_at >= since
    return session.scalar(select(func.count()).where(*begun)) or 0


quotas.counters[quotas.TESTS] = _count


def _seconds_until(moment: datetime, now: datetime) -> int:
    return max(1, round((moment - now).total_seconds()))


def last_run(session: Session, workspace_id: uuid.UUID, fingerprint: str) -> TestRun | None:
    """The newest finished test of exactly these values; a check that sent nothing proves nothing of sending."""
    wanted = select(TestRun).where(
        TestRun.workspace_id == workspace_id,
        TestRun.fingerprint == fingerprint,
        TestRun.state.in_(FINISHED),
        TestRun.check_only.is_(False),
    )
    return session.scalar(wanted.order_by(TestRun.finished_at.desc()).limit(1))


def cancel(session: Session, run: TestRun, *, actor: Actor) -> None:
    """Stops a test: at once while it waits, else within half a second. One that has ended stays as it is."""
    held = fetch_unfinished(session, run.id)
    if held is None or held.cancel_requested:
        return
    held.cancel_requested = True
    session.flush()
    _record(session, held, "test:cancel", actor=actor)
    if held.state == WAITING:
        end_cancelled(session, held)


def note_arrival(session: Session, run: TestRun, answer: str, *, actor: Actor) -> None:
    """Keeps what a person says about the test mail: it arrived, or it did not."""
    session.refresh(run, with_for_update=True)  # two who say the same at once say it once
    if answer in ANSWERS and answer != run.arrived and run.state == PASSED and not run.check_only:
        run.arrived = answer
        _record(session, run, ANSWERS[answer], actor=actor)


def _record(session: Session, run: TestRun, action: str, *, actor: Actor) -> None:
    label = registry.get(run.kind).label
    audit.record(session, run.workspace_id, actor=actor, action=action, subject=label, subject_id=run.id)
