"""How often somebody may try a password or make an account."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from flask import Response, make_response, render_template, request
from flask_limiter import RequestLimit

from mailsetup.core.errors import InvalidInput
from mailsetup.web.limits import by_email, by_network, limiter
from mailsetup.workspaces.addresses import normal_address
from mailsetup.workspaces.login import pending_session, signed_in_user

RATE = "10/minute;50/hour"
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def throttled(name: str, *, failures_only: bool = False) -> Decorator:
    """Limits POSTs to a view by network address and by the e-mail address in the form."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        for key in (by_network, _by_address):
            view = _limit(view, f"{name}-{key.__name__}", key, deduct_when=_refused if failures_only else None)
        return view

    return decorate


def throttled_person(name: str) -> Decorator:
    """Limits POSTs to a view by the person who is signed in."""
    return lambda view: _limit(view, name, _person, deduct_when=_refused)


def limited_person(name: str, rate: str) -> Decorator:
    """Limits how often the person who is signed in may do something."""
    return lambda view: _limit(view, name, _person, rate=rate, deduct_when=_done)


def throttled_pending(name: str) -> Decorator:
    """Limits POSTs to a view by the person whose second factor this browser waits for."""
    return lambda view: _limit(view, name, _pending_person, deduct_when=_refused)


def _by_address() -> str:
    """By the address that is looked up, however it is spelled: each spelling would be another ten tries."""
    try:
        return by_email(normal_address(request.form.get("email", "")))
    except InvalidInput:
        return by_email(request.form.get("email", ""))


def _pending_person() -> str:
    row = pending_session()
    return str(row.user_id) if row else by_network()


def _person() -> str:
    user = signed_in_user()
    return str(user.id) if user else by_network()


def _limit(
    view: Callable[..., Any],
    scope: str,
    key: Callable[[], str],
    *,
    rate: str = RATE,
    deduct_when: Callable[[Response], bool] | None,
) -> Callable[..., Any]:
    limit = limiter.shared_limit(
        rate,
        scope=scope,
        key_func=key,
        methods=["POST"],
        deduct_when=deduct_when,
        on_breach=too_many,
    )
    limited: Callable[..., Any] = limit(view)
    return limited


def _refused(response: Response) -> bool:
    return response.status_code >= 400


def _done(response: Response) -> bool:
    return not _refused(response)


def too_many(breach: RequestLimit) -> Response:
    """The page that says when to try again."""
    seconds = max(1, math.ceil(breach.reset_at - time.time()))
    minutes = math.ceil(seconds / 60)
    wait = f"{seconds} seconds" if seconds < 60 else f"{minutes} minute{'' if minutes == 1 else 's'}"
    response = make_response(render_template("sign_in/too_many.html", wait=wait), 429)
    response.headers["Retry-After"] = str(seconds)
    return response
