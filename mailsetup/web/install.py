"""Puts everything pages rest on into an app."""

from __future__ import annotations

from flask import Flask

from mailsetup import settings
from mailsetup.web.assets import asset, icon_svg
from mailsetup.web.csrf import install_csrf
from mailsetup.web.errors import install_errors
from mailsetup.web.filters import install_filters
from mailsetup.web.frame import install_frame
from mailsetup.web.headers import install_headers
from mailsetup.web.limits import install_limits
from mailsetup.web.log_ids import install_log_ids
from mailsetup.web.paths import install_paths, url_with
from mailsetup.web.session import install_session
from mailsetup.web.states import STAGE_WORDS, look


def install(app: Flask, *, base_url: str | None = None, redis_url: str | None = None) -> None:
    """Wires headers, cookies, CSRF, limits, session, frame, filters and errors; URLs default to the settings."""
    base_url = settings.current().base_url if base_url is None else base_url
    redis_url = settings.current().redis_url if redis_url is None else redis_url
    app.config["BASE_URL"] = base_url
    install_log_ids(app)
    install_session(app)
    install_headers(app, base_url=base_url)
    install_paths(app)
    install_limits(app, redis_url=redis_url)
    install_csrf(app)
    install_frame(app)
    install_filters(app)
    install_errors(app)
    app.jinja_env.globals.update(asset=asset, icon_svg=icon_svg, look=look, stage_words=STAGE_WORDS, url_with=url_with)
