"""How a person signs in, and where they are signed in."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.errors import Conflict, InvalidInput, NotFound
from mailsetup.web.forms import invalid
from mailsetup.web.session import db_session
from mailsetup.workspaces import identities, login, second_factor, sessions
from mailsetup.workspaces.access import ask_for_proof, current_user, signed_in, signed_in_lately
from mailsetup.workspaces.issuers import all_issuers
from mailsetup.workspaces.sign_in import change_password
from mailsetup.workspaces.views import fields
from mailsetup.workspaces.views.throttle import throttled_person

blueprint = Blueprint("security", __name__, url_prefix="/settings/security")
TEMPLATE = "settings/security.html"


@blueprint.get("", endpoint="index")
@signed_in
def index() -> ResponseReturnValue:
    """Password, and every browser in which the person is signed in."""
    return render_template(TEMPLATE, errors={}, values={}, **_facts())


@blueprint.post("/password", endpoint="password")
@throttled_person("change-password")
@signed_in
def save_password() -> ResponseReturnValue:
    """Sets a new password; every other browser is signed out."""
    user = current_user()
    refusal = None if user.password_hash else ask_for_proof()
    if refusal is not None:
        return refusal
    words = {name: request.form.get(f"{name}_password", "") for name in ("current", "new")}
    try:
        change_password(db_session(), user, **words)
    except InvalidInput as error:
        return _wrong(error.fields)
    login.renew_session(user)
    return _done("The password is changed. Your other browsers and devices are signed out.")


@blueprint.post("/accounts/<uuid:identity_id>/disconnect", endpoint="disconnect")
@signed_in_lately
def disconnect(identity_id: uuid.UUID) -> ResponseReturnValue:
    """An account elsewhere no longer signs the person in; every other browser is signed out."""
    user, strong = current_user(), bool((row := login.signed_in_session()) and row.strong)
    try:
        identity = identities.disconnect(db_session(), user, identity_id)
    except Conflict as error:
        return _wrong({"": str(error)})
    login.renew_session(user, strong=strong)
    return _done(f"{identity.label} no longer signs you in. Your other browsers and devices are signed out.")


@blueprint.post("/sessions/<uuid:session_id>/end", endpoint="end_session")
@signed_in
def end_session(session_id: uuid.UUID) -> ResponseReturnValue:
    """Signs the person out in one browser."""
    if not sessions.end(db_session(), current_user().id, session_id):
        raise NotFound("no such session")
    return _done("That browser is signed out.")


@blueprint.post("/sessions/end-others", endpoint="end_others")
@signed_in
def end_others() -> ResponseReturnValue:
    """Signs the person out everywhere but here."""
    here = login.signed_in_session()
    sessions.end_all(db_session(), current_user().id, but=here.id if here else None)
    return _done("Your other browsers and devices are signed out.")


def _facts() -> dict[str, object]:
    user = current_user()
    return {
        "password_fields": fields.CHANGE_PASSWORD if user.password_hash else fields.CHANGE_PASSWORD[1:],
        "identities": identities.of_person(db_session(), user.id),
        "issuer_names": {one.key: one.name for one in all_issuers()},
        "user": user,
        "factor_on": second_factor.is_on(db_session(), user.id),
        "sessions": sessions.list_sessions(db_session(), user.id),
        "here": login.signed_in_session(),
    }


def _wrong(errors: Mapping[str, str]) -> ResponseReturnValue:
    db_session().rollback()
    return invalid(TEMPLATE, errors, **_facts())


def _done(message: str) -> ResponseReturnValue:
    db_session().commit()
    flash(message)
    return redirect(url_for("security.index"))
