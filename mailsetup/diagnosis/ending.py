"""Ends a test run: one verdict, the open stages closed with the reason, and never twice."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.credentials.models import Credential
from mailsetup.diagnosis import after
from mailsetup.diagnosis.models import (
    CANCELLED,
    FAILED,
    FINISHED,
    PASSED,
    PENDING,
    RUNNING,
    SKIPPED,
    TestRun,
    TestStage,
)
from mailsetup.diagnosis.words import accepted_by, skipped_because, stage_label
from mailsetup.mail_services.base import SendResult
from mailsetup.outbound import binding, health
from mailsetup.outbound.fingerprint import config_fingerprint
from mailsetup.outbound.models import OutboundConfig

AUTHENTICATE = "authenticate"


def fetch_unfinished(session: Session, run_id: uuid.UUID) -> TestRun | None:
    """The run, held until the transaction ends; None when it has a verdict already."""
    wanted = select(TestRun).where(TestRun.id == run_id, TestRun.state.not_in(FINISHED))
    return session.scalar(wanted.with_for_update(), execution_options={"populate_existing": True})


def end_passed(session: Session, run: TestRun, result: SendResult) -> None:
    """The service accepted the mail: setups saved with these very values are healthy."""
    if run.check_only:
        _end(session, run, PASSED, f"Checked at {accepted_by(run)}. Nothing was sent.")
        return
    run.service_id = result.service_id[:400]
    _end(session, run, PASSED, f"Accepted by {accepted_by(run)}.")
    _tell_setups(session, run)
    after.follow_up(session, run)


def end_failed(session: Session, run: TestRun, explanation: dict[str, Any], *, stage: str = "") -> None:
    """A stage failed; those after it were not tried."""
    run.explanation = explanation
    _mark_failed(run, stage, str(explanation["title"]))
    _end(session, run, FAILED, str(explanation["title"]))


def end_cancelled(session: Session, run: TestRun) -> None:
    """Somebody stopped it; a mail that was on its way may still arrive."""
    sent = any(stage.name == "accept" and stage.state == RUNNING for stage in run.stages)
    _end(session, run, CANCELLED, "Cancelled. The test mail may still arrive." if sent else "Cancelled.")


def _end(session: Session, run: TestRun, state: str, verdict: str) -> None:
    failed = next((stage for stage in run.stages if stage.state == FAILED), None)
    reached = max((stage.position for stage in run.stages if stage.state != PENDING), default=-1)
    for stage in run.stages:
        if stage.state in {PENDING, RUNNING}:
            label = stage_label(run, failed.name) if failed else ""
            stage.verdict = skipped_because(state, label, before=stage.position < reached, check_only=run.check_only)
            stage.state = SKIPPED
    run.state, run.verdict, run.finished_at = state, verdict, utcnow()
    session.flush()
    _bind_credential(session, run)


def _mark_failed(run: TestRun, name: str, verdict: str) -> None:
    if any(stage.state == FAILED for stage in run.stages):
        return
    stage = _running(run) or next((stage for stage in run.stages if stage.name == name), None)
    if stage is not None:
        stage.state, stage.verdict = FAILED, verdict


def _running(run: TestRun) -> TestStage | None:
    return next((stage for stage in run.stages if stage.state == RUNNING), None)


def _bind_credential(session: Session, run: TestRun) -> None:
    """A password that signed in belongs to that server from now on."""
    signed_in = any(stage.name == AUTHENTICATE and stage.state == PASSED for stage in run.stages)
    if not signed_in or run.credential_id is None:
        return
    try:
        credential = fetch_owned(session, Credential, run.workspace_id, run.credential_id)
        if credential.version == run.credential_version:
            binding.bind(session, credential, run.settings)
    except (InvalidInput, NotFound):
        # Bound to another server, or deleted, while the test ran: then there is nothing to tie.
        return


def _tell_setups(session: Session, run: TestRun) -> None:
    wanted = select(OutboundConfig).where(
        OutboundConfig.workspace_id == run.workspace_id,
        OutboundConfig.kind == run.kind,
        OutboundConfig.credential_id.is_(None)
        if run.credential_id is None
        else OutboundConfig.credential_id == run.credential_id,
    )
    for config in session.scalars(wanted).all():
        if config_fingerprint(config) == run.fingerprint:
            health.test_passed(session, config, run.fingerprint)
