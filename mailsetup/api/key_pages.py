"""Pages of API keys: list, make (its text is shown once), revoke."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.api import keys
from mailsetup.api.models import ApiKey
from mailsetup.core.clock import utcnow
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import InvalidInput
from mailsetup.mail_services.base import Field
from mailsetup.web.forms import form_values, invalid
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_actor, current_workspace, require
from mailsetup.workspaces.models import ADMIN, MEMBER

api_keys = Blueprint("api_keys", __name__, url_prefix="/api-keys")
NAME = Field("name", "Name", "What uses the key, so that you know it again.", placeholder="Shop, production")
EXPIRES = Field(
    "expires_on", "Expires on", "The last day it works. Leave blank for no end.", input="date", required=False
)
FIELDS = (NAME, EXPIRES)


@api_keys.get("")
@require(MEMBER)
def index() -> ResponseReturnValue:
    """All keys of the workspace."""
    rows = keys.list_keys(db_session(), current_workspace().id)
    now = utcnow()
    return render_template(
        "api_keys/index.html", keys=rows, states={row.id: keys.state_of(row, now) for row in rows}, scopes=keys.SCOPES
    )


@api_keys.get("/new")
@require(ADMIN, proof=True)
def new() -> ResponseReturnValue:
    """The form for a key."""
    return render_template(
        "api_keys/new.html", fields=FIELDS, values={}, chosen=["send", "read"], errors={}, scopes=keys.SCOPES
    )


@api_keys.post("/new")
@require(ADMIN, proof=True)
def create() -> ResponseReturnValue:
    """Makes the key and shows its text, this once."""
    chosen = request.form.getlist("scopes")
    try:
        values = form_values(FIELDS)
        row, key = keys.create_key(
            db_session(),
            workspace_id=current_workspace().id,
            actor=current_actor(),
            name=values["name"],
            scopes=chosen,
            expires_at=_end_of(values["expires_on"]),
        )
    except InvalidInput as error:
        named = {{"expires_at": "expires_on"}.get(name, name): text for name, text in error.fields.items()}
        return invalid("api_keys/new.html", named, fields=FIELDS, chosen=chosen, scopes=keys.SCOPES)
    db_session().commit()
    return make_response(render_template("api_keys/created.html", key=row, text=key.reveal()), 201)


def _end_of(day: str) -> datetime | None:
    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), time(), UTC) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise InvalidInput({"expires_on": "Choose a day, like 2027-03-31."}) from None


@api_keys.post("/<uuid:key_id>/revoke")
@require(ADMIN, proof=True)
def revoke(key_id: uuid.UUID) -> ResponseReturnValue:
    """Ends the key at once."""
    row = fetch_owned(db_session(), ApiKey, current_workspace().id, key_id)
    keys.revoke(db_session(), row, actor=current_actor())
    db_session().commit()
    flash(f"“{row.name}” is revoked. Programs that use it are refused from now on.", "success")
    return redirect(url_for("api_keys.index"))
