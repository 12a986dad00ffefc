"""Whose request it is, when proxies stand in front."""

from __future__ import annotations

import structlog
from flask import Flask, current_app, request
from werkzeug.middleware.proxy_fix import ProxyFix

SAID = "proxies.said"
log = structlog.get_logger()


def install_proxies(app: Flask, *, hops: int) -> None:
    """Believes the last `hops` proxies what they say of the caller's address and scheme, and nobody else."""
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    if not hops:
        app.before_request(warn_of_a_proxy)


def warn_of_a_proxy() -> None:
    """Says once that everybody seems to come from the proxy's address, which the limits then count as one caller."""
    if "X-Forwarded-For" in request.headers and SAID not in current_app.extensions:
        current_app.extensions[SAID] = True
        log.warning("proxy_not_counted", setting="MAILSETUP_PROXY_HOPS", is_now=0)
