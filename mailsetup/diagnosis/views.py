"""Pages of tests: how one goes on, cancel it, run it again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from mailsetup.core.clock import utcnow
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.credentials.models import Credential
from mailsetup.diagnosis import start
from mailsetup.diagnosis.bundle import support_bundle
from mailsetup.diagnosis.models import FAILED, TestRun
from mailsetup.diagnosis.start import TooManyTests, start_test_run
from mailsetup.diagnosis.words import StageLine, accepted_by, kind_label, stage_lines, until_the_failed_one
from mailsetup.mail_services import credential_types
from mailsetup.mail_services.base import Consent
from mailsetup.outbound.models import OutboundConfig
from mailsetup.web.csrf import is_api
from mailsetup.web.htmx import is_htmx, page_path
from mailsetup.web.problem import problem
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_actor, current_user, current_workspace, require
from mailsetup.workspaces.models import ADMIN, MEMBER

tests = Blueprint("tests", __name__, url_prefix="/tests")
blueprints: tuple[Blueprint, ...] = (tests,)
SLOW_START_SECONDS = 10
SIGNING_IN = frozenset({"token", "authenticate"})


@dataclass(frozen=True)
class TestView:
    """A run as the pages show it."""

    __test__ = False

    lines: list[StageLine]
    untried: str
    kind_label: str
    accepted_by: str
    bundle: str
    slow_start: bool
    correct_path: str


@tests.app_template_global("test_view")
def view_of(run: TestRun) -> TestView:
    """What the fragment `diagnosis/_stages.html` shows of a run."""
    lines, untried = until_the_failed_one(stage_lines(run))
    waited = (utcnow() - run.created_at).total_seconds()
    return TestView(
        lines=lines,
        untried=", ".join(line.label for line in untried),
        kind_label=kind_label(run.kind),
        accepted_by=accepted_by(run),
        bundle=support_bundle(run),
        slow_start=run.started_at is None and waited > SLOW_START_SECONDS,
        correct_path=_correct_path(run),
    )


def _correct_path(run: TestRun) -> str:
    """Where to correct the credential when it was refused: its form, which leads back to the page of the test."""
    credential = db_session().get(Credential, run.credential_id) if run.credential_id else None
    refused = any(stage.state == FAILED and stage.name in SIGNING_IN for stage in run.stages)
    if credential is None or not refused or credential_types.get(credential.type).consent is Consent.SIGN_IN:
        return ""
    return url_for("credentials.edit", credential_id=credential.id, next=page_path())


@tests.app_template_global("test_history")
def history_of(config: OutboundConfig, limit: int = 10) -> list[TestRun]:
    """The newest tests of a setup, for its page."""
    wanted = select(TestRun).where(TestRun.config_id == config.id, TestRun.workspace_id == config.workspace_id)
    return list(db_session().scalars(wanted.order_by(TestRun.created_at.desc()).limit(limit)))


@tests.post("")
@require(ADMIN)
def begin() -> ResponseReturnValue:
    """Tests a saved setup as it is."""
    config = fetch_owned(db_session(), OutboundConfig, current_workspace().id, posted_id("config_id"))
    try:
        run = start_test_run(
            db_session(),
            workspace_id=config.workspace_id,
            actor=current_actor(),
            user_id=current_user().id,
            kind=config.kind,
            settings=config.settings,
            credential_id=config.credential_id,
            recipient=request.form.get("recipient", "") or current_user().email,
            config_id=config.id,
        )
    except InvalidInput as error:
        flash(f"The test was not started. {' '.join(error.fields.values())}", "error")
        return redirect(url_for("outbound.show", config_id=config.id))
    db_session().commit()
    return redirect(url_for("tests.show", run_id=run.id))


def posted_id(name: str) -> uuid.UUID:
    """An id out of a hidden field. Raises NotFound for what is none."""
    try:
        return uuid.UUID(request.form.get(name, ""))
    except ValueError:
        raise NotFound("no such row") from None


@tests.get("/<uuid:run_id>")
@require(MEMBER)
def show(run_id: uuid.UUID) -> ResponseReturnValue:
    """One test, live while it goes on."""
    run = _fetch(run_id)
    return render_template("diagnosis/show.html", run=run, setup_path=_setup_path(run))


@tests.get("/<uuid:run_id>/stages")
@require(MEMBER)
def stages(run_id: uuid.UUID) -> ResponseReturnValue:
    """The stages alone; asks for itself again until there is a verdict, and then tells the page."""
    run = _fetch(run_id)
    response = make_response(render_template("diagnosis/_stages.html", run=run))
    if run.finished and page_path() == url_for("tests.show", run_id=run_id):
        response.headers["HX-Refresh"] = "true"  # the verdict changes banners and buttons too
    elif run.finished:
        response.headers["HX-Trigger"] = "testFinished"
    return response


@tests.post("/<uuid:run_id>/cancel")
@require(ADMIN)
def cancel(run_id: uuid.UUID) -> ResponseReturnValue:
    """Stops a test that goes on."""
    run = _fetch(run_id)
    start.cancel(db_session(), run)
    db_session().commit()
    return stages(run_id) if is_htmx() else redirect(url_for("tests.show", run_id=run_id))


@tests.post("/<uuid:run_id>/again")
@require(ADMIN)
def again(run_id: uuid.UUID) -> ResponseReturnValue:
    """Tests the same values once more, with the credential as it is now."""
    run = _fetch(run_id)
    fresh = start_test_run(
        db_session(),
        workspace_id=run.workspace_id,
        actor=current_actor(),
        user_id=current_user().id,
        kind=run.kind,
        settings=run.settings,
        credential_id=run.credential_id,
        recipient=run.recipient,
        config_id=run.config_id,
    )
    db_session().commit()
    return redirect(url_for("tests.show", run_id=fresh.id))


@tests.app_errorhandler(TooManyTests)
def too_many(error: TooManyTests) -> ResponseReturnValue:
    """The limit is reached: says when the next test may start."""
    headers = {"Retry-After": str(error.retry_after)}
    if is_api():
        response = problem(429, "Too many tests", str(error))
        response.headers.extend(headers)
        return response
    return render_template("diagnosis/too_many.html", error=error), 429, headers


def _fetch(run_id: uuid.UUID) -> TestRun:
    return fetch_owned(db_session(), TestRun, current_workspace().id, run_id)


def _setup_path(run: TestRun) -> str:
    return f"/outbound/{run.config_id}" if run.config_id else ""
