"""The blueprint of the wizard, and what each of its pages needs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.errors import NotFound
from mailsetup.web.session import db_session
from mailsetup.wizard import steps
from mailsetup.wizard.drafts import config_of, fetch_draft, shape
from mailsetup.wizard.models import SetupDraft
from mailsetup.workspaces.access import current_user, current_workspace, may
from mailsetup.workspaces.models import ADMIN

setup = Blueprint("setup", __name__, url_prefix="/setup")


def find_draft(draft_id: uuid.UUID) -> SetupDraft:
    """The draft of the current workspace; a member's own, for a new setup, where they are no admin. Raises NotFound."""
    draft = fetch_draft(db_session(), current_workspace().id, draft_id)
    if not is_theirs(draft):
        raise NotFound("no such draft")
    return draft


def is_theirs(draft: SetupDraft) -> bool:
    """Whether this person may go on with the draft."""
    return may(ADMIN) or (draft.created_by_id == current_user().id and draft.config_id is None)


def page(template: str, draft: SetupDraft | None, step: str, **context: Any) -> str:
    """A step's page with the list of steps beside it."""
    session = db_session()
    return render_template(
        template,
        draft=draft,
        step=step,
        steps=steps.list_steps(session, draft),
        config=config_of(session, draft) if draft else None,
        shape=shape(draft) if draft else "",
        **{"errors": {}, **context},
    )


def wrong(template: str, draft: SetupDraft | None, step: str, errors: Mapping[str, str], **context: Any) -> Any:
    """The same page with what needs a change: 422."""
    return page(template, draft, step, errors=dict(errors), **context), 422


def changed_elsewhere(draft: SetupDraft) -> bool:
    """Whether the answers are others by now than on the page that was sent; says so."""
    changed = request.form.get("shape", shape(draft)) != shape(draft)
    if changed:
        flash(
            "The answers were changed meanwhile, perhaps in another tab. These are the ones that hold now.", "warning"
        )
    return changed


def go(draft: SetupDraft, step: str) -> ResponseReturnValue:
    """To a step of the draft."""
    return redirect(url_for(f"setup.{step}", draft_id=draft.id))
