"""The second half of signing in: a code, after the password."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.web.forms import invalid
from mailsetup.web.paths import local_path
from mailsetup.web.session import db_session
from mailsetup.workspaces import access, login, recovery_codes, second_factor, sessions
from mailsetup.workspaces.models import User, UserSession
from mailsetup.workspaces.sign_in import note_sign_in
from mailsetup.workspaces.views import fields
from mailsetup.workspaces.views.throttle import throttled_pending

blueprint = Blueprint("second_step", __name__, url_prefix="/sign-in/code")
BEGIN_AGAIN = "Sign in again, please: the code has to follow within 10 minutes."
TOO_MANY = "The code was wrong too often. Sign in again, and check the clock of the device with your authenticator app."


@blueprint.get("", endpoint="index")
@access.public
def index() -> ResponseReturnValue:
    """Asks for the code."""
    row = login.pending_session()
    if row is None:
        return _begin_again()
    return render_template("sign_in/code.html", errors={}, values={}, **_facts(row))


@blueprint.post("", endpoint="enter")
@throttled_pending("second-step")
@access.public
def enter() -> ResponseReturnValue:
    """Checks the code and begins the session."""
    row = login.pending_session()
    if row is None:
        return _begin_again()
    way = second_factor.check(db_session(), row.user, request.form.get("code", "")[:100])
    return _let_in(row.user, way, proved_at=row.proved_at) if way else _refuse(row)


def _let_in(user: User, way: str, *, proved_at: datetime) -> ResponseReturnValue:
    target = _next()
    note_sign_in(db_session(), user, detail={"second_factor": way})
    login.begin_session(user, strong=True, proved_at=proved_at)
    if way == second_factor.RECOVERY:
        left = recovery_codes.left(db_session(), user.id)
        flash(f"That recovery code is used up; {left} are left. New ones are at Settings, Signing in.", "warning")
    db_session().commit()
    return redirect(target)


def _refuse(row: UserSession) -> ResponseReturnValue:
    user = row.user
    another = sessions.note_wrong_code(db_session(), row)
    if not another:
        second_factor.warn_of_guessing(db_session(), user)
    db_session().commit()
    if not another:
        return invalid("sign_in/index.html", {"": TOO_MANY}, fields=fields.SIGN_IN, next=_next())
    return invalid("sign_in/code.html", {"code": second_factor.WRONG}, **_facts(row))


def _begin_again() -> ResponseReturnValue:
    flash(BEGIN_AGAIN, "warning")
    return redirect(url_for("sign_in.index", next=request.values.get("next")))


def _facts(row: UserSession) -> dict[str, object]:
    return {"fields": (fields.CODE,), "user": row.user, "next": _next()}


def _next() -> str:
    return local_path(request.values.get("next"))
