"""What the frame of every page shows of people and workspaces."""

from __future__ import annotations

from flask import Flask, url_for

from mailsetup import settings
from mailsetup.web.frame import FrameData, Person, WorkspaceChoice, register_frame
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_member, may, may_build
from mailsetup.workspaces.issuers import all_issuers
from mailsetup.workspaces.login import signed_in_user
from mailsetup.workspaces.memberships import for_menu
from mailsetup.workspaces.models import Member, User


def people_in_frame() -> FrameData:
    """The person, their workspaces, language and time zone; nothing for a visitor."""
    user = signed_in_user()
    if user is None:
        return {}
    some = for_menu(db_session(), user.id)
    data: FrameData = {
        "person": Person(user.name, user.email),
        "workspaces": [_choice(row) for row in some.rows] if some.total > 1 else [],
        "workspace_total": some.total,
        "operator": is_operator(user),
        "locale": user.locale,
        "timezone": user.timezone,
        "workspaces_url": url_for("workspaces.index"),
        "switch_url": url_for("workspaces.switch"),
        "sign_out_url": url_for("sign_in.sign_out"),
        "account_url": url_for("settings.index"),
    }
    if some.rows:
        data["workspace"] = _choice(current_member())
        data["hidden"] = () if may("admin") else ("audit.index",)
    return data


def is_operator(user: User) -> bool:
    """Whether the person runs this installation."""
    return user.email in settings.current().operator_emails


def _choice(member: Member) -> WorkspaceChoice:
    return WorkspaceChoice(str(member.workspace_id), member.workspace.name)


def install_people(app: Flask) -> None:
    """Tells the frame who is there, and lets templates ask `may("admin")` and `may_build()`."""
    register_frame(people_in_frame)
    app.jinja_env.globals.update(may=may, may_build=may_build, sign_in_issuers=all_issuers)
