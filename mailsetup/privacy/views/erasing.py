"""Erasing a workspace: what that means, the name typed, and done."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template
from flask.typing import ResponseReturnValue

from mailsetup.core.errors import InvalidInput
from mailsetup.mail_services.base import Field
from mailsetup.privacy.erase import count_waiting, erase
from mailsetup.web.forms import form_values, invalid
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_actor, current_workspace, require
from mailsetup.workspaces.members import list_members
from mailsetup.workspaces.models import OWNER

blueprint = Blueprint("erasing", __name__, url_prefix="/settings/data/erase")
TEMPLATE = "privacy/erase.html"
FIELDS = (Field("typed", "Name of the workspace", "Type it exactly as it stands above."),)


@blueprint.get("", endpoint="index")
@require(OWNER, proof=True)
def index() -> ResponseReturnValue:
    """What is lost, before anything is."""
    return render_template(TEMPLATE, errors={}, values={}, **_shown())


@blueprint.post("", endpoint="erase")
@require(OWNER, proof=True)
def erase_workspace() -> ResponseReturnValue:
    """Erases it; nobody of the workspace comes in any more."""
    name = current_workspace().name
    try:
        done = erase(db_session(), current_workspace(), actor=current_actor(), **form_values(FIELDS))
    except InvalidInput as error:
        db_session().rollback()
        return invalid(TEMPLATE, error.fields, **_shown())
    waiting = done.waiting
    db_session().commit()
    lost = f" {waiting:,} mails that waited will not be sent." if waiting else ""
    flash(f"{name} is erased: its key is destroyed, so nothing of it opens any more.{lost}")
    return redirect("/")


def _shown() -> dict[str, object]:
    workspace = current_workspace()
    people = [member.user.email for member in list_members(db_session(), workspace.id)]
    waiting = count_waiting(db_session(), workspace.id)
    return {"fields": FIELDS, "workspace": workspace, "waiting": waiting, "people": people}
