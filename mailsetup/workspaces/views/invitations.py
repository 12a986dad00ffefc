"""What opens behind an invitation's link."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from mailsetup import settings
from mailsetup.core.errors import Conflict, InvalidInput, NotFound
from mailsetup.web.forms import form_values, invalid
from mailsetup.web.session import db_session
from mailsetup.workspaces import access, login
from mailsetup.workspaces.addresses import is_address
from mailsetup.workspaces.invitations import accept, accept_with_new_account, find_by_token, proves_address
from mailsetup.workspaces.joining import ask_to_join_by
from mailsetup.workspaces.models import Invitation, Member
from mailsetup.workspaces.views import fields
from mailsetup.workspaces.views.throttle import throttled

blueprint = Blueprint("invitations", __name__, url_prefix="/invitations")


@blueprint.errorhandler(NotFound)
def unusable(_error: NotFound) -> ResponseReturnValue:
    """The one page for every link that does not work."""
    return render_template("sign_in/invitation_unusable.html"), 404


@blueprint.get("/<token>", endpoint="show")
@access.public
def show(token: str) -> ResponseReturnValue:
    """Who invites to what; a button for who is signed in, a form for who is not."""
    invitation = find_by_token(db_session(), token)
    if login.signed_in_user():
        return render_template("sign_in/invitation.html", **_facts(invitation))
    values = {"email": invitation.email}
    return render_template("sign_in/invitation_new.html", errors={}, values=values, token=token, **_facts(invitation))


@blueprint.post("/<token>", endpoint="accept")
@throttled("invitation")
@access.public
def use(token: str) -> ResponseReturnValue:
    """Joins the workspace, with the account that is signed in or with a new one."""
    invitation = find_by_token(db_session(), token)
    user = login.signed_in_user()
    try:
        if user is None and _needs_letter(invitation, token):
            return _written_to(invitation)
        member = accept(db_session(), invitation, user) if user else _join_anew(invitation)
    except Conflict as error:
        flash(str(error), "warning")
        return redirect("/")
    except InvalidInput as error:
        return invalid("sign_in/invitation_new.html", error.fields, token=token, **_facts(invitation))
    return _enter(member, signed_in=user is not None)


def _join_anew(invitation: Invitation) -> Member:
    return accept_with_new_account(db_session(), invitation, **_answers())


def _answers() -> dict[str, str]:
    values = form_values(fields.JOIN)
    values["password"] = request.form.get("password", "")
    values["timezone"] = request.form.get("timezone", "")
    return values


def _needs_letter(invitation: Invitation, token: str) -> bool:
    """A link that was shown proves no address; one that was mailed proves the invited one."""
    same = is_address(request.form.get("email", ""), invitation.email)
    proved = proves_address(invitation, token) and same
    return settings.current().confirm_sign_up and not proved


def _written_to(invitation: Invitation) -> ResponseReturnValue:
    answers = _answers()
    ask_to_join_by(db_session(), invitation, **answers)
    db_session().commit()
    return render_template("sign_in/look_in_inbox.html", email=answers["email"], purpose="account")


def _enter(member: Member, *, signed_in: bool) -> ResponseReturnValue:
    session = db_session()
    session.flush()
    session.refresh(member)
    if not signed_in:
        login.begin_session(member.user)
    session.commit()
    login.remember_workspace(member.workspace_id)
    flash(f"Welcome to {member.workspace.name}.")
    return redirect("/")


def _facts(invitation: Invitation) -> dict[str, object]:
    return {
        "invitation": invitation,
        "fields": fields.JOIN,
        "role_words": fields.ROLE_WORDS[invitation.role],
        "user": login.signed_in_user(),
    }
