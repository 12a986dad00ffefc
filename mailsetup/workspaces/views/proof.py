"""The page that asks who is there once more, before secrets, keys or members change."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from mailsetup.web.forms import invalid
from mailsetup.web.paths import local_path
from mailsetup.web.session import db_session
from mailsetup.workspaces import login
from mailsetup.workspaces.access import current_user, signed_in
from mailsetup.workspaces.passwords import verify_password
from mailsetup.workspaces.views import fields
from mailsetup.workspaces.views.throttle import throttled_person

blueprint = Blueprint("proof", __name__, url_prefix="/sign-in/again")
WRONG = "This is not your password. Check whether Caps Lock is on."


@blueprint.get("", endpoint="index")
@signed_in
def index() -> ResponseReturnValue:
    """Asks for the password."""
    return render_template("sign_in/again.html", errors={}, values={}, **_facts())


@blueprint.post("", endpoint="prove")
@throttled_person("prove-again")
@signed_in
def prove() -> ResponseReturnValue:
    """Checks the password and goes back to where the person was."""
    if not verify_password(current_user().password_hash, request.form.get("password", "")):
        return invalid("sign_in/again.html", {"password": WRONG}, **_facts())
    login.prove_again()
    db_session().commit()
    return redirect(_next())


def _facts() -> dict[str, object]:
    return {"fields": (fields.PASSWORD,), "user": current_user(), "next": _next()}


def _next() -> str:
    return local_path(request.values.get("next"))
