"""The last two steps: test the values on screen, and save them."""

from __future__ import annotations

import uuid

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.errors import InvalidInput
from mailsetup.diagnosis.models import TestRun
from mailsetup.diagnosis.start import start_test_run
from mailsetup.diagnosis.views import wants_check
from mailsetup.mail_services.base import Field
from mailsetup.outbound.models import SENDING_STATES, OutboundConfig
from mailsetup.web.session import db_session
from mailsetup.wizard import answers, moving, steps
from mailsetup.wizard.activate import activate, check_answers, plan_of
from mailsetup.wizard.drafts import touch
from mailsetup.wizard.models import SetupDraft
from mailsetup.wizard.views.blueprint import changed_elsewhere, find_draft, go, page, setup, wrong
from mailsetup.workspaces.access import current_actor, current_user, require_builder

TEST_TEMPLATE, SAVE_TEMPLATE = "setup/test.html", "setup/save.html"
RECIPIENT = Field(
    "recipient", "Send the test mail to", "A real mail goes there. Your own address is a good choice.", input="email"
)
OVERVIEW = "overview.index"


@setup.get("/<uuid:draft_id>/test")
@require_builder()
def test(draft_id: uuid.UUID) -> ResponseReturnValue:
    """The test of the values on screen, live while it goes on."""
    draft = find_draft(draft_id)
    return page(TEST_TEMPLATE, draft, steps.TEST, **_test_page(draft))


@setup.get("/<uuid:draft_id>/test/outcome")
@require_builder()
def test_outcome(draft_id: uuid.UUID) -> ResponseReturnValue:
    """The part of the page that a verdict changes."""
    draft = find_draft(draft_id)
    return render_template("setup/_after_test.html", draft=draft, **_test_page(draft))


@setup.post("/<uuid:draft_id>/test")
@require_builder()
def run_test(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Starts a test of the values of the draft."""
    draft = find_draft(draft_id)
    if changed_elsewhere(draft):
        return go(draft, steps.SENDER)
    recipient = request.form.get("recipient", "").strip()
    try:
        run = start_test_run(
            db_session(),
            workspace_id=draft.workspace_id,
            actor=current_actor(),
            user_id=current_user().id,
            kind=draft.kind,
            settings=answers.cleaned(db_session(), draft),
            credential_id=draft.credential_id,
            recipient=recipient,
            config_id=draft.config_id,
            check_only=wants_check(),
        )
    except InvalidInput as error:
        return _not_tested(draft, error)
    draft.test_run_id, draft.recipient = run.id, run.recipient
    touch(draft)
    db_session().commit()
    return go(draft, steps.TEST)


def _not_tested(draft: SetupDraft, error: InvalidInput) -> ResponseReturnValue:
    """Wrong at this page, or at one before it."""
    if set(error.fields) == {"recipient"}:
        typed = request.form.get("recipient", "")
        context = {**_test_page(draft), "recipient": typed}
        answer: ResponseReturnValue = wrong(TEST_TEMPLATE, draft, steps.TEST, error.fields, **context)
        return answer
    return _step_with(draft, error)


@setup.get("/<uuid:draft_id>/save")
@require_builder()
def save(draft_id: uuid.UUID) -> ResponseReturnValue:
    """What saving will change, and whether the values were tested."""
    draft = find_draft(draft_id)
    try:
        check_answers(db_session(), draft)
        plan = plan_of(db_session(), draft)
    except InvalidInput as error:
        return _step_with(draft, error)
    return page(SAVE_TEMPLATE, draft, steps.SAVE, plan=plan)


@setup.post("/<uuid:draft_id>/save")
@require_builder()
def save_setup(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Saves the draft as a setup."""
    draft = find_draft(draft_id)
    if changed_elsewhere(draft):
        return go(draft, steps.SAVE)
    try:
        config = activate(db_session(), draft, actor=current_actor(), user_id=current_user().id)
    except InvalidInput as error:
        db_session().rollback()
        return _step_with(find_draft(draft_id), error)
    db_session().commit()
    flash(_saved(config), "success" if config.health in SENDING_STATES else "warning")
    if OVERVIEW in current_app.view_functions and config.health in SENDING_STATES:
        return redirect(url_for(OVERVIEW, new=config.id))
    return redirect(url_for("outbound.show", config_id=config.id))


def _saved(config: OutboundConfig) -> str:
    if config.health in SENDING_STATES:
        return f"“{config.name}” is saved. Mail from {config.from_address} goes through it from now on."
    return f"“{config.name}” is saved, but not tested: its mail waits until a test passes."


def _step_with(draft: SetupDraft, error: InvalidInput) -> ResponseReturnValue:
    """To the step whose answer is missing or wrong; a half-finished draft leads to its first open one."""
    credential_wrong = "credential_id" in error.fields
    flash("First, this step: " + " ".join(error.fields.values()), "warning")
    return go(draft, steps.CREDENTIAL if credential_wrong else steps.SENDER)


def _test_page(draft: SetupDraft) -> dict[str, object]:
    run = db_session().get(TestRun, draft.test_run_id) if draft.test_run_id else None
    return {
        "run": run,
        "doubts": answers.doubts(db_session(), draft),
        "tested": answers.tested(db_session(), draft),
        "way_out": moving.way_out_of(db_session(), draft),
        "recipient_field": RECIPIENT,
        "recipient": draft.recipient or current_user().email,
    }
