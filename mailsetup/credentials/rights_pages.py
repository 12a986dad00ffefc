"""The page that says who may use a credential."""

from __future__ import annotations

import uuid

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import InvalidInput
from mailsetup.credentials import rights
from mailsetup.credentials.models import Credential
from mailsetup.web.forms import invalid
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_actor, current_workspace, require
from mailsetup.workspaces.models import ADMIN

blueprint = Blueprint("credential_rights", __name__, url_prefix="/credentials")
TEMPLATE = "credentials/users.html"


@blueprint.get("/<uuid:credential_id>/users", endpoint="show")
@require(ADMIN, proof=True)
def show(credential_id: uuid.UUID) -> ResponseReturnValue:
    """Who may have a setup use it."""
    credential = _fetch(credential_id)
    chosen = {str(member.id) for member in rights.named_users(db_session(), credential)}
    return render_template(TEMPLATE, errors={}, **_facts(credential, credential.open_to, chosen))


@blueprint.post("/<uuid:credential_id>/users", endpoint="save")
@require(ADMIN, proof=True)
def save(credential_id: uuid.UUID) -> ResponseReturnValue:
    """Opens it to other people, or to nobody but admins."""
    credential = _fetch(credential_id)
    open_to, chosen = request.form.get("open_to", ""), request.form.getlist("member")
    try:
        rights.set_users(db_session(), credential, open_to, chosen, actor=current_actor())
    except InvalidInput as error:
        db_session().rollback()
        return invalid(TEMPLATE, error.fields, **_facts(_fetch(credential_id), open_to, set(chosen)))
    db_session().commit()
    flash("Saved who may use it. Setups that use it go on as they are.", "success")
    return redirect(url_for("credentials.show", credential_id=credential.id))


def _facts(credential: Credential, open_to: str, chosen: set[str]) -> dict[str, object]:
    people = rights.candidates(db_session(), credential.workspace_id)
    return {"credential": credential, "open_to": open_to, "chosen": chosen, "people": people, "words": rights.WORDS}


def _fetch(credential_id: uuid.UUID) -> Credential:
    return fetch_owned(db_session(), Credential, current_workspace().id, credential_id)
