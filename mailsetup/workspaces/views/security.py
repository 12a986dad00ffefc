"""How a person signs in, and where they are signed in."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.web.forms import invalid
from mailsetup.web.session import db_session
from mailsetup.workspaces import login, second_factor, sessions
from mailsetup.workspaces.access import current_user, signed_in
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
    words = {name: request.form.get(f"{name}_password", "") for name in ("current", "new")}
    try:
        change_password(db_session(), user, **words)
    except InvalidInput as error:
        return _wrong(error.fields)
    login.renew_session(user)
    return _done("The password is changed. Your other browsers and devices are signed out.")


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
    return {
        "password_fields": fields.CHANGE_PASSWORD,
        "user": current_user(),
        "factor_on": second_factor.is_on(db_session(), current_user().id),
        "sessions": sessions.list_sessions(db_session(), current_user().id),
        "here": login.signed_in_session(),
    }


def _wrong(errors: Mapping[str, str]) -> ResponseReturnValue:
    db_session().rollback()
    return invalid(TEMPLATE, errors, **_facts())


def _done(message: str) -> ResponseReturnValue:
    db_session().commit()
    flash(message)
    return redirect(url_for("security.index"))
