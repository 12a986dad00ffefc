"""Who calls: the API key of a request, and what it may do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Response, g, request

from mailsetup.api import keys
from mailsetup.api.models import ApiKey
from mailsetup.core import walls
from mailsetup.web.limits import by_network
from mailsetup.web.problem import problem
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import API, marked
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.models import Workspace

View = TypeVar("View", bound=Callable[..., Any])
SCHEME = "Bearer "


def require_key(scope: str) -> Callable[[View], View]:
    """For programs with a key of this scope."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            return _refusal(scope) or view(*args, **kwargs)

        guarded.api_scope = scope  # type: ignore[attr-defined]
        return marked(guarded, API)  # type: ignore[return-value]

    return decorate


def current_key() -> ApiKey:
    """The key of this request."""
    key: ApiKey = g.api_key
    return key


def current_actor() -> Actor:
    """The key of this request as the audit trail names it."""
    return Actor(f"API key {current_key().name}")


def key_workspace() -> Workspace:
    """The workspace whose key this is."""
    workspace: Workspace = g.api_workspace
    return workspace


def caller() -> str:
    """Whose requests are counted: the key's, without ever keeping it; the address's where there is no key."""
    text = _presented()
    return hashlib.sha256(text.encode()).hexdigest()[:32] if keys.well_formed(text) else by_network()


def _refusal(scope: str) -> Response | None:
    session = db_session()
    with walls.across(session):
        found = keys.find_key(session, _presented())
        allowed = found is not None and scope in found[0].scopes
        if found is not None and allowed:
            g.api_key, g.api_workspace = found
            walls.narrow(session, found[0].workspace_id)
    if found is None:
        answer = problem(401, "Sign in with an API key", "Send Authorization: Bearer and a key that is in use.")
        answer.headers["WWW-Authenticate"] = 'Bearer realm="mailsetup"'
        return answer
    if not allowed:
        return problem(403, "This key may not do that", f"The key needs the scope {scope}; an admin can make one.")
    if keys.note_use(session, found[0]):
        session.commit()
    return None


def _presented() -> str:
    header = request.headers.get("Authorization", "")
    return header[len(SCHEME) :].strip() if header.startswith(SCHEME) else ""
