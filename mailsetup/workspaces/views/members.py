"""The members page: who is in the workspace, who is invited, and changing both."""

from __future__ import annotations

import uuid

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup import settings
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import Conflict, InvalidInput
from mailsetup.mail_services.base import Field
from mailsetup.web.forms import form_values, invalid
from mailsetup.web.session import db_session
from mailsetup.workspaces import invitations, members, post
from mailsetup.workspaces.access import current_member, current_workspace, may, require
from mailsetup.workspaces.models import ADMIN, MEMBER, Invitation, Member
from mailsetup.workspaces.second_factor import who_have_one
from mailsetup.workspaces.views import fields

blueprint = Blueprint("members", __name__, url_prefix="/members")


@blueprint.get("", endpoint="index")
@require(MEMBER)
def index() -> ResponseReturnValue:
    """Everybody in the workspace, and the open invitations."""
    workspace_id = current_workspace().id
    people = members.list_members(db_session(), workspace_id)
    return render_template(
        "members/index.html",
        members=people,
        factors=who_have_one(db_session(), [row.user_id for row in people]) if may(ADMIN) else None,
        invitations=invitations.list_invitations(db_session(), workspace_id) if may(ADMIN) else [],
        me=current_member(),
        only_owner=members.is_only_owner(db_session(), current_member()),
        roles=members.roles_given_by(current_member().role),
        role_words=fields.ROLE_WORDS,
    )


@blueprint.get("/invite", endpoint="invite")
@require(ADMIN, proof=True)
def show_invite() -> ResponseReturnValue:
    """The form for an invitation."""
    return render_template("members/invite.html", fields=_invite_fields(), errors={}, values={})


@blueprint.post("/invite", endpoint="send_invitation")
@require(ADMIN, proof=True)
def make_invitation() -> ResponseReturnValue:
    """Makes an invitation and shows its link, this once."""
    wanted = _invite_fields()
    try:
        invitation, token = invitations.invite(db_session(), by=current_member(), **form_values(wanted))
    except InvalidInput as error:
        return invalid("members/invite.html", error.fields, fields=wanted)
    db_session().commit()
    link = settings.current().base_url + url_for("invitations.show", token=token.reveal())
    return render_template("members/invited.html", invitation=invitation, link=link, by_mail=post.can_write())


@blueprint.post("/invitations/<uuid:invitation_id>/revoke", endpoint="revoke")
@require(ADMIN, proof=True)
def revoke(invitation_id: uuid.UUID) -> ResponseReturnValue:
    """Makes an invitation's link useless."""
    invitation = fetch_owned(db_session(), Invitation, current_workspace().id, invitation_id)
    invitations.revoke(db_session(), invitation, by=current_member())
    db_session().commit()
    return _back(f"The invitation of {invitation.email} no longer works.")


@blueprint.post("/<uuid:member_id>/role", endpoint="change_role")
@require(ADMIN, proof=True)
def change_role(member_id: uuid.UUID) -> ResponseReturnValue:
    """Gives a member another role."""
    member = fetch_owned(db_session(), Member, current_workspace().id, member_id)
    try:
        members.change_role(db_session(), member, request.form.get("role", ""), by=current_member())
    except Conflict as error:
        return _back(str(error), "error")
    db_session().commit()
    return _back(f"{member.user.name} is now {member.role}.")


@blueprint.post("/<uuid:member_id>/remove", endpoint="remove")
@require(ADMIN, proof=True)
def remove(member_id: uuid.UUID) -> ResponseReturnValue:
    """Takes somebody out of the workspace."""
    member = fetch_owned(db_session(), Member, current_workspace().id, member_id)
    return _take_out(member, f"{member.user.name} is no longer in this workspace.")


@blueprint.post("/leave", endpoint="leave")
@require(MEMBER, own=True)
def leave() -> ResponseReturnValue:
    """Takes the person themselves out of the workspace."""
    return _take_out(current_member(), f"You left {current_workspace().name}.")


def _take_out(member: Member, done: str) -> ResponseReturnValue:
    leaving = member.id == current_member().id
    try:
        members.remove(db_session(), member, by=current_member())
    except Conflict as error:
        return _back(str(error), "error")
    db_session().commit()
    flash(done)
    return redirect("/" if leaving else url_for("members.index"))


def _invite_fields() -> tuple[Field, ...]:
    return fields.invite_fields(members.roles_given_by(current_member().role))


def _back(message: str, category: str = "message") -> ResponseReturnValue:
    flash(message, category)
    return redirect(url_for("members.index"))
