"""The headers and cookies that keep other sites out of ours (OWASP ASVS 5.0.0, 3.3 and 3.4)."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask, Response, current_app, g, request

STATIC = "static"
YEAR = 365 * 24 * 3600


def csp_nonce() -> str:
    """The nonce of this answer, for a script element that is not a file."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def content_security_policy() -> str:
    """What this page may load and where its forms may lead."""
    # Chrome applies form-action to the redirects that follow a POST as well, so a form that
    # ends at a sign-in page elsewhere needs that origin named.
    targets = " ".join(("'self'", *current_app.config["FORM_ACTION_ORIGINS"]))
    return "; ".join((
        "default-src 'none'",
        f"script-src 'self' 'nonce-{csp_nonce()}'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        f"form-action {targets}",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
    ))  # fmt: skip


FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def add_headers(response: Response) -> Response:
    """Puts the protective headers on an answer; a header that a view set itself stays."""
    for name, value in FIXED.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", content_security_policy())
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}; includeSubDomains")
    _add_caching(response)
    return response


def _add_caching(response: Response) -> None:
    if request.endpoint != STATIC or response.status_code >= 400:
        response.headers["Cache-Control"] = "no-store"
        response.vary.update(("Cookie", "HX-Request"))
    elif "v" in request.args:
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"


def cookie_settings(*, https: bool) -> dict[str, Any]:
    """The flags of our cookies; the `__Host-` prefix needs Secure, so plain http goes without."""
    return {
        "SESSION_COOKIE_NAME": "__Host-session" if https else "session",
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        # Strict would drop the session on the way back from a Microsoft sign-in.
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "SESSION_COOKIE_DOMAIN": None,
        "REMEMBER_COOKIE_SECURE": https,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
    }


def install_headers(app: Flask, *, base_url: str) -> None:
    """Puts headers on every answer and flags on every cookie."""
    app.config.update(cookie_settings(https=base_url.startswith("https://")))
    app.config.setdefault("FORM_ACTION_ORIGINS", ())
    app.after_request(add_headers)
    app.jinja_env.globals["csp_nonce"] = csp_nonce
