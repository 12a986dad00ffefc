"""Pages of tests: how one goes on, cancel it, run it again."""

from __future__ import annotations

import uuid

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.diagnosis import domains, start
from mailsetup.diagnosis.models import DomainReport, TestRun
from mailsetup.diagnosis.shown import TEMPLATE_GLOBALS
from mailsetup.diagnosis.start import TooManyTests, start_test_run
from mailsetup.outbound.models import OutboundConfig
from mailsetup.web.csrf import is_api
from mailsetup.web.htmx import is_htmx
from mailsetup.web.paths import local_path
from mailsetup.web.problem import problem
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_actor, current_user, current_workspace, require
from mailsetup.workspaces.models import ADMIN, MEMBER

tests = Blueprint("tests", __name__, url_prefix="/tests")
blueprints: tuple[Blueprint, ...] = (tests,)
for _name, _function in TEMPLATE_GLOBALS.items():
    tests.add_app_template_global(_function, _name)
CHECK = "check"


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
            check_only=wants_check(),
        )
    except InvalidInput as error:
        flash(f"The test was not started. {' '.join(error.fields.values())}", "error")
        return redirect(url_for("outbound.show", config_id=config.id))
    db_session().commit()
    return redirect(url_for("tests.show", run_id=run.id))


def wants_check() -> bool:
    """Whether the button that was pressed sends nothing."""
    return request.form.get("depth") == CHECK


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
    if request.args.get("again"):
        return response  # the verdict is shown already; only the mail is still looked for
    if run.finished:
        response.headers["HX-Trigger"] = "testFinished"  # the verdict changes banners and buttons too
    return response


@tests.post("/<uuid:run_id>/cancel")
@require(ADMIN)
def cancel(run_id: uuid.UUID) -> ResponseReturnValue:
    """Stops a test that goes on."""
    run = _fetch(run_id)
    start.cancel(db_session(), run, actor=current_actor())
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
        check_only=run.check_only,
    )
    db_session().commit()
    return redirect(url_for("tests.show", run_id=fresh.id))


@tests.post("/<uuid:run_id>/arrived")
@require(ADMIN)
def arrived(run_id: uuid.UUID) -> ResponseReturnValue:
    """Keeps what the person says about the test mail: it arrived, or it did not."""
    run = _fetch(run_id)
    start.note_arrival(db_session(), run, request.form.get("arrived", ""), actor=current_actor())
    db_session().commit()
    if is_htmx():
        return render_template("diagnosis/_stages.html", run=run)
    return redirect(local_path(request.form.get("next"), otherwise=url_for("tests.show", run_id=run_id)))


@tests.post("/domains/<uuid:report_id>")
@require(ADMIN)
def look_at_domain(report_id: uuid.UUID) -> ResponseReturnValue:
    """Has the DNS asked again about a domain."""
    report = fetch_owned(db_session(), DomainReport, current_workspace().id, report_id)
    domains.want(db_session(), report.workspace_id, report.domain, report.host)
    db_session().commit()
    flash(f"We ask the DNS about {report.domain} again; load this page once more in a few seconds.", "info")
    return redirect(local_path(request.form.get("next"), otherwise=url_for("outbound.index")))


@tests.get("/domains/<uuid:report_id>")
@require(MEMBER)
def domain(report_id: uuid.UUID) -> ResponseReturnValue:
    """What the DNS says, alone; asks for itself again until it is known."""
    report = fetch_owned(db_session(), DomainReport, current_workspace().id, report_id)
    return render_template("diagnosis/_domain.html", report=report)


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
