"""Keeps other sites from posting in a person's name: a token, and where the request came from."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, current_app, g, request, session
from flask_wtf.csrf import CSRFProtect

from mailsetup.core.errors import MailsetupError

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
API_PREFIX = "/api/"

csrf = CSRFProtect()


class ForeignPost(MailsetupError):
    """Another site made the browser send this."""


def is_api() -> bool:
    """Whether the request is for the HTTP API, which knows no cookies and so needs no token."""
    return request.path.startswith(API_PREFIX)


def refuse_foreign_posts() -> None:
    """Stops an unsafe request that another site started or that has no valid token. Raises CSRFError or ForeignPost."""
    if request.method in SAFE_METHODS or is_api():
        return
    if not came_from_here():
        raise ForeignPost
    if current_app.config["WTF_CSRF_ENABLED"]:
        csrf.protect(apply_exemptions=True)


def came_from_here() -> bool:
    """Whether the browser says that our own page made the request; without either header the token decides."""
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return not origin or origin in {_origin(current_app.config["BASE_URL"]), _origin(request.host_url)}


def end_forms() -> None:
    """Forms that this browser has open are taken no more; from here on there is a new token."""
    name = current_app.config["WTF_CSRF_FIELD_NAME"]
    session.pop(name, None)
    g.pop(name, None)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def install_csrf(app: Flask) -> None:
    """Checks every unsafe request before its view runs."""
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    # A form that was open over lunch still works: the token lives as long as the session.
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)
    # Our own origin check replaces the one by Referer, which proxies like to drop.
    app.config["WTF_CSRF_SSL_STRICT"] = False
    csrf.init_app(app)
    app.before_request(refuse_foreign_posts)
