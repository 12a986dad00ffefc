"""Settings of the person, and name and time zone of the workspace."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.errors import InvalidInput
from mailsetup.mail_services.base import Field
from mailsetup.web.forms import form_values, invalid
from mailsetup.web.session import db_session
from mailsetup.workspaces import locales, quotas
from mailsetup.workspaces.access import current_actor, current_user, current_workspace, may, require, signed_in
from mailsetup.workspaces.login import signed_in_session
from mailsetup.workspaces.members import list_members, rename_workspace, require_second_factor, set_zone
from mailsetup.workspaces.models import ADMIN, MEMBER, OWNER, User
from mailsetup.workspaces.names import clean_name
from mailsetup.workspaces.second_factor import who_have_one
from mailsetup.workspaces.sign_in import NAMELESS

blueprint = Blueprint("settings", __name__, url_prefix="/settings")


@blueprint.get("", endpoint="index")
@signed_in
def index() -> ResponseReturnValue:
    """Who you are here, how dates look, the workspace."""
    return render_template("settings/index.html", errors={}, values={}, **_forms())


@blueprint.post("/person", endpoint="person")
@signed_in
def save_person() -> ResponseReturnValue:
    """Saves name, language of dates, and time zone."""
    try:
        values = form_values(person_fields(current_user()))
        current_user().name = clean_name(values["name"], field="name", missing=NAMELESS)
        current_user().locale = locales.check_locale(values["locale"])
        current_user().timezone = locales.check_zone(values["timezone"])
    except InvalidInput as error:
        db_session().rollback()
        return invalid("settings/index.html", error.fields, **_forms())
    return _saved("Your settings are saved.")


@blueprint.post("/workspace", endpoint="workspace")
@require(ADMIN)
def save_workspace() -> ResponseReturnValue:
    """Gives the workspace another name or time zone."""
    values, workspace = form_values(workspace_fields()), current_workspace()
    try:
        rename_workspace(db_session(), workspace, values["workspace_name"], actor=current_actor())
        set_zone(db_session(), workspace, values["workspace_timezone"], actor=current_actor())
    except InvalidInput as error:
        db_session().rollback()
        return invalid("settings/index.html", error.fields, **_forms())
    return _saved("The workspace is saved.")


@blueprint.post("/workspace/second-factor", endpoint="second_factor")
@require(OWNER, proof=True)
def save_second_factor() -> ResponseReturnValue:
    """Says whether everybody in the workspace needs a second factor."""
    wanted = request.form.get("required") == "true"
    row = signed_in_session()
    if wanted and not (row and row.strong):
        flash("Set up your own second factor first: without one you would be outside yourself.", "warning")
        return redirect(url_for("second_factor.index"))
    require_second_factor(db_session(), current_workspace(), wanted, actor=current_actor())
    return _saved(
        "Everybody needs a second factor now." if wanted else "A second factor is everybody's own choice now."
    )


def workspace_fields() -> tuple[Field, ...]:
    """The inputs for the workspace's name and time zone; none for who is in no workspace."""
    if not may(MEMBER):
        return ()
    workspace = current_workspace()
    return (
        Field("workspace_name", "Workspace name", "Everybody in the workspace sees it.", default=workspace.name),
        Field(
            "workspace_timezone",
            "Time zone of the workspace",
            "Quiet hours and gathered notices of alerts go by it.",
            input="select",
            required=False,
            placeholder="UTC",
            choices=tuple(locales.zone_choices()),
            default=workspace.timezone,
        ),
    )


def person_fields(user: User) -> tuple[Field, ...]:
    """The inputs about the person, filled with what is saved."""
    return (
        Field("name", "Your name", default=user.name, autocomplete="name"),
        Field(
            "locale",
            "Dates and numbers",
            "How dates, times and numbers look. The words stay English.",
            input="select",
            required=False,
            placeholder="As my browser asks",
            choices=locales.locale_choices(),
            default=user.locale,
        ),
        Field(
            "timezone",
            "Time zone",
            "Every time on these pages is shown in this zone.",
            input="select",
            required=False,
            placeholder="UTC",
            choices=tuple(locales.zone_choices()),
            default=user.timezone,
        ),
    )


def _forms() -> dict[str, object]:
    return {
        "person_fields": person_fields(current_user()),
        "workspace_fields": workspace_fields(),
        **_policy(),
        "user": current_user(),
        "uses": quotas.list_uses(db_session(), current_workspace().id) if may(MEMBER) else [],
    }


def _policy() -> dict[str, object]:
    """Whether the workspace asks for a second factor, and how many of its people have one."""
    if not may(OWNER):
        return {}
    members = list_members(db_session(), current_workspace().id)
    having = who_have_one(db_session(), [member.user_id for member in members])
    required, row = current_workspace().second_factor_required, signed_in_session()
    own = bool(row and row.strong)
    return {"policy": {"required": required, "of": len(members), "having": len(having), "own": own}}


def _saved(message: str) -> ResponseReturnValue:
    db_session().commit()
    flash(message)
    return redirect(url_for("settings.index"))
