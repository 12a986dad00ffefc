"""A person's second factor: setting it up, new recovery codes, turning it off."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.errors import Conflict, InvalidInput
from mailsetup.core.redact import Secret
from mailsetup.web.forms import invalid
from mailsetup.web.session import db_session
from mailsetup.workspaces import login, recovery_codes, second_factor
from mailsetup.workspaces.access import current_user, held_back, signed_in, signed_in_lately
from mailsetup.workspaces.memberships import memberships
from mailsetup.workspaces.models import Member
from mailsetup.workspaces.views import fields
from mailsetup.workspaces.views.throttle import throttled_person

blueprint = Blueprint("second_factor", __name__, url_prefix="/settings/security/second-factor")
TEMPLATE = "settings/second_factor.html"


@blueprint.errorhandler(Conflict)
def not_now(error: Conflict) -> ResponseReturnValue:
    """Another tab was faster."""
    db_session().rollback()
    flash(str(error), "warning")
    return redirect(url_for("second_factor.index"))


@blueprint.get("", endpoint="index")
@signed_in
def index() -> ResponseReturnValue:
    """Off, on its way, or on."""
    return render_template(TEMPLATE, errors={}, values={}, **_facts())


@blueprint.post("/begin", endpoint="begin")
@signed_in_lately
def begin() -> ResponseReturnValue:
    """Makes a key to scan."""
    second_factor.begin(db_session(), current_user())
    db_session().commit()
    return redirect(url_for("second_factor.index"))


@blueprint.post("/confirm", endpoint="confirm")
@throttled_person("second-factor")
@signed_in_lately
def confirm() -> ResponseReturnValue:
    """Turns it on with a first code, and shows the recovery codes."""
    user = current_user()
    try:
        codes = second_factor.confirm(db_session(), user, request.form.get("code", "")[:100])
    except InvalidInput as error:
        db_session().rollback()
        return invalid(TEMPLATE, error.fields, **_facts())
    login.renew_session(user, strong=True)
    return _show(codes, fresh=True)


@blueprint.post("/codes", endpoint="codes")
@signed_in_lately
def codes() -> ResponseReturnValue:
    """Makes new recovery codes and shows them."""
    return _show(second_factor.new_codes(db_session(), current_user()), fresh=False)


@blueprint.post("/off", endpoint="off")
@signed_in_lately
def off() -> ResponseReturnValue:
    """Takes it away; every other browser is signed out."""
    user = current_user()
    second_factor.turn_off(db_session(), user)
    login.renew_session(user, strong=False)
    db_session().commit()
    flash("The second factor is off. Your other browsers and devices are signed out.")
    return redirect(url_for("security.index"))


def _show(codes: list[Secret], *, fresh: bool) -> ResponseReturnValue:
    db_session().commit()
    shown = [code.reveal() for code in codes]
    return render_template("settings/recovery_codes.html", codes=shown, text="\n".join(shown), fresh=fresh)


def _facts() -> dict[str, object]:
    session, user = db_session(), current_user()
    return {
        "on": second_factor.is_on(session, user.id),
        "offer": second_factor.offered(session, user),
        "left": recovery_codes.left(session, user.id),
        "fields": (fields.FIRST_CODE,),
        "required_by": [row.workspace.name for row in memberships(session, user.id) if _wants(row)],
        "held_back": held_back(),
        "user": user,
    }


def _wants(row: Member) -> bool:
    return row.workspace.second_factor_required
