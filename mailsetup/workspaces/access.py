"""Who may do what: every view of the product carries exactly one rule of this module.

A rule says who may look. Whoever may only look may not change: an unsafe request (POST) to a view that members
may see needs an admin, unless the view is about the person's own things (`own=True`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Response, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from mailsetup.core import walls
from mailsetup.core.errors import Conflict, NotAllowed, NotFound
from mailsetup.web.csrf import SAFE_METHODS
from mailsetup.web.htmx import is_htmx
from mailsetup.web.paths import local_path
from mailsetup.web.session import db_session
from mailsetup.workspaces import second_factor, sessions
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.login import WORKSPACE, remember_workspace, signed_in_session, signed_in_user
from mailsetup.workspaces.members import list_members
from mailsetup.workspaces.memberships import first_membership, membership
from mailsetup.workspaces.models import ADMIN, MEMBER, OWNER, ROLES, Member, User, Workspace

View = TypeVar("View", bound=Callable[..., Any])

PUBLIC, SIGNED_IN, API, BUILDER = "public", "signed_in", "api", "builder"
RULES = (PUBLIC, SIGNED_IN, MEMBER, BUILDER, ADMIN, OWNER, API)
MOVED = "You are no longer in the workspace that this page was about. Nothing was changed."
builders: list[Callable[[Session, Member], bool]] = []
"""Who says whether a member may build setups; what is open to whom is known further up the ladder."""


def require(role: str, *, own: bool = False, proof: bool = False) -> Callable[[View], View]:
    """For people of the current workspace with this role or a higher one; with `proof` who proved themselves lately."""
    if role not in ROLES:
        raise ValueError(f"{role} is not a role")

    def decorate(view: View) -> View:
        def check() -> ResponseReturnValue | None:
            refusal = _ask_to_enter()
            if refusal is None:
                _check_role(role, own=own)
            return refusal or (ask_for_proof() if proof else None)

        return marked(_guarded(view, check), role, fresh=proof)

    return decorate


def require_builder(*, proof: bool = False) -> Callable[[View], View]:
    """For admins, with `proof` who proved themselves lately, and for members who may use some credential."""

    def decorate(view: View) -> View:
        def check() -> ResponseReturnValue | None:
            refusal = _ask_to_enter()
            if refusal is None and not may_build():
                raise NotAllowed(_who_may(ADMIN))
            return refusal or (ask_for_proof() if proof and may(ADMIN) else None)

        return marked(_guarded(view, check), BUILDER, fresh=proof)

    return decorate


def may_build() -> bool:
    """Whether the person of this request may build setups in the current workspace."""
    member = _member()
    if member is None or held_back():
        return False
    return may(ADMIN) or any(says(db_session(), member) for says in builders)


def signed_in(view: View) -> View:
    """For whoever is signed in, whatever their workspaces."""
    return marked(_guarded(view, lambda: _ask_to_sign_in() or _enter_own()), SIGNED_IN)


def signed_in_lately(view: View) -> View:
    """For whoever is signed in and proved it lately: their own ways to sign in."""
    return marked(_guarded(view, lambda: _ask_to_sign_in() or ask_for_proof() or _enter_own()), SIGNED_IN, fresh=True)


def public(view: View) -> View:
    """For everybody; such a view looks for a person, a link or a figure of all, so no wall is around it."""
    return marked(_guarded(view, _open_walls), PUBLIC)


def marked(view: View, rule: str, *, fresh: bool = False) -> View:
    """Notes the rule on a view whose check is elsewhere, such as that of an API key; and whether it asks anew."""
    if rule not in RULES:
        raise ValueError(f"{rule} is not a rule")
    view.access_rule = rule  # type: ignore[attr-defined]
    view.access_fresh = fresh  # type: ignore[attr-defined]
    return view


def _guarded(view: View, check: Callable[[], ResponseReturnValue | None]) -> View:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        refusal = check()
        return current_app.ensure_sync(view)(*args, **kwargs) if refusal is None else refusal

    return guarded  # type: ignore[return-value]


def _ask_to_enter() -> ResponseReturnValue | None:
    """What everybody has to show before a workspace opens, whatever their role."""
    return _ask_to_sign_in() or _ask_for_workspace() or _ask_for_second_factor()


def _ask_to_sign_in() -> ResponseReturnValue | None:
    if signed_in_user() is not None:
        return None
    return _send_to(url_for("sign_in.index", next=_way_back()), status=401)


def ask_for_proof() -> ResponseReturnValue | None:
    """Secrets, keys and members change only by somebody who was there a moment ago (OWASP ASVS 5.0.0, 7.5)."""
    row = signed_in_session()
    spare = sessions.FORM_TIME if request.method in SAFE_METHODS else timedelta()
    if row is not None and sessions.proved_lately(row, spare=spare):
        return None
    return _send_to(url_for("proof.index", next=_way_back()), status=403)


def _ask_for_second_factor() -> ResponseReturnValue | None:
    """A workspace that wants a second factor from everybody opens to nobody without one."""
    user = signed_in_user()
    if user is None or not held_back():
        return None
    if second_factor.is_on(db_session(), user.id):
        return _send_to(url_for("proof.index", next=_way_back()), status=403)
    return _send_to(url_for("second_factor.index"), status=403)


def held_back() -> bool:
    """Whether the person's workspace wants a second factor that they have not shown in this session."""
    member, row = _member(), signed_in_session()
    return bool(member and row and member.workspace.second_factor_required and not row.strong)


def _send_to(address: str, *, status: int) -> ResponseReturnValue:
    # A redirect would put the sign-in page into the fragment that htmx asked for.
    return Response(status=status, headers={"HX-Redirect": address}) if is_htmx() else redirect(address)


def _way_back() -> str | None:
    if is_htmx():
        return _path_of(request.headers.get("HX-Current-URL", ""))
    if request.method not in SAFE_METHODS:
        return _path_of(request.headers.get("Referer", ""))
    path = request.full_path.rstrip("?")
    return None if path == "/" else local_path(path, otherwise="") or None


def _path_of(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return local_path(path, otherwise="") or None


def _ask_for_workspace() -> ResponseReturnValue | None:
    _enter_own()
    if g.get("moved") and request.method not in SAFE_METHODS:
        raise Conflict(MOVED)
    return None if _member() else redirect(url_for("workspaces.new"))


def _enter_own() -> ResponseReturnValue | None:
    """Lets the request into the person's workspace, if they are in one; refuses nobody."""
    member = _member()
    if member is not None and not held_back():
        walls.narrow(db_session(), member.workspace_id)
    return None


def _open_walls() -> None:
    walls.widen(db_session())


def _check_role(role: str, *, own: bool) -> None:
    if role == MEMBER and request.method not in SAFE_METHODS and not own:
        role = ADMIN
    if not may(role):
        raise NotAllowed(_who_may(role))


def _who_may(role: str) -> str:
    member = current_member()
    allowed = ROLES[: ROLES.index(role) + 1]
    people = [row.user for row in list_members(db_session(), member.workspace_id) if row.role in allowed]
    names = ", ".join(f"{user.name} ({user.email})" for user in people[:3])
    needed = "an owner" if role == OWNER else "an owner or admin"
    ask = f" Ask {names}." if names else ""
    where = member.workspace.name
    return f"Nothing was changed: this needs {needed} of {where}, and you are {_article(member.role)}.{ask}"


def _article(role: str) -> str:
    return f"an {role}" if role == ADMIN else f"a {role}"


def may(role: str) -> bool:
    """Whether the person of this request has this role in the current workspace, or a higher one."""
    member = _member()
    return member is not None and not held_back() and ROLES.index(member.role) <= ROLES.index(role)


def current_user() -> User:
    """The person of this request. Raises NotAllowed when nobody is signed in."""
    user = signed_in_user()
    if user is None:
        raise NotAllowed("Sign in first.")
    return user


def current_member() -> Member:
    """The person's place in the current workspace. Raises NotFound without one."""
    member = _member()
    if member is None:
        raise NotFound("no workspace")
    return member


def current_workspace() -> Workspace:
    """The workspace this request is about. Raises NotFound when the person is in none."""
    return current_member().workspace


def current_actor() -> Actor:
    """The person of this request as the audit trail names them."""
    user = current_user()
    return Actor(user.email, user.id)


def choose_workspace(workspace_id: uuid.UUID) -> Member:
    """Makes one of the person's own workspaces the current one. Raises NotFound for any other."""
    member = membership(db_session(), current_user().id, workspace_id)
    if member is None:
        raise NotFound("no such workspace")
    remember_workspace(workspace_id)
    g.member = member
    return member


def _member() -> Member | None:
    # Asked once a request and never kept longer: whoever was removed is out with the next click.
    if "member" not in g:
        user = signed_in_user()
        g.member = _find_member(user) if user else None
    member: Member | None = g.member
    return member


def _find_member(user: User) -> Member | None:
    chosen = session.get(WORKSPACE)
    found = membership(db_session(), user.id, uuid.UUID(chosen)) if chosen else None
    if found is None:
        found, g.moved = first_membership(db_session(), user.id), bool(chosen)
        if found is not None:
            remember_workspace(found.workspace_id)
    return found


def refuse_unruled_views() -> None:
    """Stops a request to a view that somebody forgot to give a rule."""
    view = current_app.view_functions.get(request.endpoint or "")
    if view is not None and request.endpoint != "static" and not hasattr(view, "access_rule"):
        raise RuntimeError(f"the view {request.endpoint} carries no access rule")
