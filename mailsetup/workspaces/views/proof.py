"""The page that asks who is there once more, before secrets, keys or members change."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from mailsetup.core.issuers import ALWAYS
from mailsetup.web.forms import invalid
from mailsetup.web.paths import local_path
from mailsetup.web.session import db_session
from mailsetup.workspaces import identities, login, second_factor
from mailsetup.workspaces.access import current_user, signed_in
from mailsetup.workspaces.issuers import all_issuers
from mailsetup.workspaces.passwords import verify_password
from mailsetup.workspaces.views import fields
from mailsetup.workspaces.views.throttle import throttled_person

blueprint = Blueprint("proof", __name__, url_prefix="/sign-in/again")
WRONG = "This is not your password. Check whether Caps Lock is on."


@blueprint.get("", endpoint="index")
@signed_in
def index() -> ResponseReturnValue:
    """Asks for the password, and for the second factor of who has one."""
    return render_template("sign_in/again.html", errors={}, values={}, **again_facts())


@blueprint.post("", endpoint="prove")
@throttled_person("prove-again")
@signed_in
def prove() -> ResponseReturnValue:
    """Checks what was asked for and goes back to where the person was."""
    errors = _wrong()
    if errors:
        return invalid("sign_in/again.html", errors, **again_facts())
    login.prove_again(strong=_has_factor())
    db_session().commit()
    return redirect(_next())


def _wrong() -> dict[str, str]:
    """What is wrong; a code is not used up by a wrong password."""
    user = current_user()
    if not verify_password(user.password_hash, request.form.get("password", "")):
        return {"password": WRONG}
    if _has_factor() and not second_factor.check(db_session(), user, request.form.get("code", "")[:100]):
        return {"code": second_factor.WRONG}
    return {}


def _has_factor() -> bool:
    return second_factor.is_on(db_session(), current_user().id)


def again_facts() -> dict[str, object]:
    """What the page shows: fields, and the issuers that may be asked instead of the password."""
    user, code = current_user(), (fields.CODE,) if _has_factor() else ()
    connected = {row.issuer_key for row in identities.of_person(db_session(), user.id)}
    there = [one for one in all_issuers() if one.key in connected]
    # Who has a password shows the code beside it; a second form for the same code would only confuse.
    offered = there if not (user.password_hash and code) else [one for one in there if one.second_factor == ALWAYS]
    return {
        "fields": (fields.PASSWORD, *code) if user.password_hash else (),
        "issuers": offered,
        "code_fields": () if user.password_hash else code,
        "user": user,
        "next": _next(),
    }


def _next() -> str:
    return local_path(request.values.get("next"))
