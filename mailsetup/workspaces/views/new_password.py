"""A new password for who forgot theirs: a mail with a link, and the page behind it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.web.forms import form_values, invalid
from mailsetup.web.session import db_session
from mailsetup.workspaces import access, login, post, recovery
from mailsetup.workspaces.views import fields
from mailsetup.workspaces.views.throttle import throttled

blueprint = Blueprint("new_password", __name__, url_prefix="/sign-in")


@blueprint.errorhandler(NotFound)
def unusable(_error: NotFound) -> ResponseReturnValue:
    """The one page for every link that does not work."""
    return render_template("sign_in/link_unusable.html"), 404


@blueprint.get("/forgotten", endpoint="forgotten")
@access.public
def show_forgotten() -> ResponseReturnValue:
    """Asks for the address."""
    return render_template("sign_in/forgotten.html", errors={}, values={}, **_forgotten_facts())


@blueprint.post("/forgotten", endpoint="ask")
@throttled("forgotten-password")
@access.public
def ask() -> ResponseReturnValue:
    """Writes to the address if there is an account; the answer is the same in any case."""
    try:
        address = recovery.ask(db_session(), form_values((fields.EMAIL,))["email"])
    except InvalidInput as error:
        return invalid("sign_in/forgotten.html", error.fields, **_forgotten_facts())
    db_session().commit()
    return render_template("sign_in/look_in_inbox.html", email=address, purpose="password")


@blueprint.get("/new-password/<token>", endpoint="choose")
@access.public
def show_choose(token: str) -> ResponseReturnValue:
    """The form behind the link."""
    recovery.check(db_session(), token)
    return render_template("sign_in/new_password.html", errors={}, values={}, fields=(fields.NEW_PASSWORD,))


@blueprint.post("/new-password/<token>", endpoint="save")
@throttled("new-password")
@access.public
def save(token: str) -> ResponseReturnValue:
    """Sets the password and signs the person out everywhere; a second factor is asked for as ever."""
    try:
        recovery.set_new_password(db_session(), token, request.form.get("password", ""))
    except InvalidInput as error:
        db_session().rollback()
        return invalid("sign_in/new_password.html", error.fields, fields=(fields.NEW_PASSWORD,))
    login.end_session()
    db_session().commit()
    flash("Your password is changed. Sign in with it; you are signed out everywhere else.")
    return redirect(url_for("sign_in.index"))


def _forgotten_facts() -> dict[str, object]:
    return {"fields": (fields.EMAIL,), "by_mail": post.can_write()}
