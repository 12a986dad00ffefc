"""Signing up, in and out."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.web.forms import form_values, invalid
from mailsetup.web.paths import local_path
from mailsetup.web.session import db_session
from mailsetup.workspaces import access, letters, login, second_factor
from mailsetup.workspaces.frame import install_people
from mailsetup.workspaces.joining import ask_to_join, confirm
from mailsetup.workspaces.models import User
from mailsetup.workspaces.sign_in import authenticate, note_sign_in
from mailsetup.workspaces.views import fields
from mailsetup.workspaces.views.throttle import throttled

blueprint = Blueprint("sign_in", __name__)
MISSING = {"email": "Type your e-mail address.", "password": "Type your password."}
REFUSED = "The e-mail address or the password is not right. Check both, and whether Caps Lock is on."


@blueprint.record_once
def install(state: BlueprintSetupState) -> None:
    """Puts sign-in, the frame and the check that every view has a rule into the app."""
    app = cast(Flask, state.app)
    login.init_login(app)
    install_people(app)
    app.before_request(access.refuse_unruled_views)


@blueprint.errorhandler(NotFound)
def unusable(_error: NotFound) -> ResponseReturnValue:
    """The one page for every link that does not work."""
    return render_template("sign_in/link_unusable.html"), 404


@blueprint.get("/sign-in", endpoint="index")
@access.public
def show_sign_in() -> ResponseReturnValue:
    """The sign-in form; whoever is signed in already goes on."""
    if login.signed_in_user():
        return redirect(_next())
    return render_template("sign_in/index.html", fields=fields.SIGN_IN, errors={}, values={}, next=_next())


@blueprint.post("/sign-in", endpoint="enter")
@throttled("sign-in", failures_only=True)
@access.public
def enter() -> ResponseReturnValue:
    """Checks address and password and begins a session."""
    values = form_values(fields.SIGN_IN)
    if missing := {name: words for name, words in MISSING.items() if not request.form.get(name, "").strip()}:
        return invalid("sign_in/index.html", missing, fields=fields.SIGN_IN, next=_next())
    user = authenticate(db_session(), email=values["email"], password=request.form.get("password", ""))
    if user is None:
        return invalid("sign_in/index.html", {"": REFUSED}, fields=fields.SIGN_IN, next=_next())
    if second_factor.is_on(db_session(), user.id):
        return _ask_for_code(user)
    note_sign_in(db_session(), user)
    return _begin(user)


@blueprint.get("/sign-up", endpoint="sign_up")
@access.public
def show_sign_up() -> ResponseReturnValue:
    """The form for a new account with a workspace of its own."""
    if login.signed_in_user():
        return redirect(_next())
    return render_template("sign_in/sign_up.html", fields=fields.SIGN_UP, errors={}, values={}, next=_next())


@blueprint.post("/sign-up", endpoint="join")
@throttled("sign-up")
@access.public
def join() -> ResponseReturnValue:
    """Makes the account and its workspace, and signs in."""
    values = form_values(fields.SIGN_UP)
    values["password"] = request.form.get("password", "")
    values["timezone"] = request.form.get("timezone", "")
    try:
        user = ask_to_join(db_session(), **values)
    except InvalidInput as error:
        return invalid("sign_in/sign_up.html", error.fields, fields=fields.SIGN_UP, next=_next())
    if user is None:
        db_session().commit()
        return render_template("sign_in/look_in_inbox.html", email=values["email"], purpose="account")
    return _begin(user)


@blueprint.get("/sign-up/<token>", endpoint="confirm")
@access.public
def show_confirm(token: str) -> ResponseReturnValue:
    """What opens behind the link in the mail: a button, since programs look at links before people do."""
    return render_template("sign_in/confirm_sign_up.html", letter=letters.find(db_session(), letters.SIGN_UP, token))


@blueprint.post("/sign-up/<token>", endpoint="join_confirmed")
@throttled("confirm-sign-up")
@access.public
def join_confirmed(token: str) -> ResponseReturnValue:
    """Makes the account of whoever proved their address, and signs in."""
    return _begin(confirm(db_session(), letters.find(db_session(), letters.SIGN_UP, token)))


@blueprint.post("/sign-out", endpoint="sign_out")
@access.public
def sign_out() -> ResponseReturnValue:
    """Ends the session."""
    target = local_path(request.args.get("next"), otherwise=url_for("sign_in.index"))
    login.end_session()
    db_session().commit()
    return redirect(target)


def _ask_for_code(user: User) -> ResponseReturnValue:
    target = _next()
    login.begin_pending(user)
    db_session().commit()
    return redirect(url_for("second_step.index", next=target if target != "/" else None))


def _begin(user: User) -> ResponseReturnValue:
    target = _next()
    login.begin_session(user)
    db_session().commit()
    return redirect(target)


def _next() -> str:
    return local_path(request.values.get("next"))
