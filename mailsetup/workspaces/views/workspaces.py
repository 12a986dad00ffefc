"""The person's workspaces: all of them, switching between them, and making one more."""

from __future__ import annotations

import uuid

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from mailsetup.core import walls
from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.mail_services.base import Field
from mailsetup.web.forms import form_values, invalid
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import choose_workspace, current_actor, current_user, signed_in
from mailsetup.workspaces.members import create_workspace
from mailsetup.workspaces.memberships import find_memberships
from mailsetup.workspaces.views.throttle import limited_person

blueprint = Blueprint("workspaces", __name__, url_prefix="/workspaces")
FIELDS = (
    Field(
        "name",
        "Workspace name",
        "Usually a company, or one part of it. You will be its owner.",
        autocomplete="organization",
    ),
)


@blueprint.get("", endpoint="index")
@signed_in
def index() -> ResponseReturnValue:
    """All workspaces of the person, to be searched and switched to."""
    text, cursor = (request.args.get(name, "").strip()[:200] for name in ("q", "cursor"))
    page = find_memberships(db_session(), current_user().id, text=text, cursor=cursor)
    return render_template("workspaces/index.html", page=page, narrowed=bool(text or cursor))


@blueprint.post("/switch", endpoint="switch")
@signed_in
def switch() -> ResponseReturnValue:
    """Makes another of the person's workspaces the current one."""
    try:
        wanted = uuid.UUID(request.form.get("workspace", ""))
    except ValueError as error:
        raise NotFound("no such workspace") from error
    choose_workspace(wanted)
    return redirect("/")


@blueprint.get("/new", endpoint="new")
@signed_in
def show_new() -> ResponseReturnValue:
    """The form for one more workspace."""
    return render_template("workspaces/new.html", fields=FIELDS, errors={}, values={})


@blueprint.post("/new", endpoint="create")
@limited_person("new-workspace", "10/day")  # each one has quotas of its own
@signed_in
def create() -> ResponseReturnValue:
    """Makes a workspace and goes there."""
    try:
        values = form_values(FIELDS)
        # It belongs to no workspace that this request could be in.
        walls.widen(db_session())
        workspace = create_workspace(db_session(), owner=current_user(), actor=current_actor(), **values)
    except InvalidInput as error:
        return invalid("workspaces/new.html", error.fields, fields=FIELDS)
    db_session().commit()
    choose_workspace(workspace.id)
    flash(f"{workspace.name} is ready. Set up its mail next.")
    return redirect("/")
