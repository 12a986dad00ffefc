"""The web application, put together."""

from __future__ import annotations

import importlib
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask

from mailsetup import settings as settings_module
from mailsetup.core import db, logs
from mailsetup.settings import Settings
from mailsetup.web.install import install
from mailsetup.web.proxies import install_proxies
from mailsetup.web.server.arriving import BODY_LIMIT

TOP = Path(__file__).parent.parent
FEATURES = (
    "mailsetup.workspaces.views",
    "mailsetup.credentials.views",
    "mailsetup.alerts.views",
    "mailsetup.events.views",
    "mailsetup.outbound.views",
    "mailsetup.diagnosis.views",
    "mailsetup.wizard.views",
    "mailsetup.outbox.views",
    "mailsetup.api.views",
    "mailsetup.overview.views",
    "mailsetup.overview.explain",
    "mailsetup.privacy.views",
)


def create_app(settings: Settings | None = None) -> Flask:
    """The Flask application, ready to serve. Raises SettingsError when the environment is wrong."""
    settings = settings_module.start(settings or settings_module.load())
    logs.configure(pretty=settings.env == "development")
    app = Flask("mailsetup", root_path=str(TOP), template_folder="templates", static_folder="static")
    app.config.update(_flask_config(settings))
    app.extensions["mailsetup.sessions"] = db.sessions()
    app.extensions["mailsetup.settings"] = settings
    install_proxies(app, hops=settings.proxy_hops)
    install(app)
    for feature in FEATURES:
        for blueprint in importlib.import_module(feature).blueprints:
            app.register_blueprint(blueprint)
    _add_commands(app)
    return app


def _flask_config(settings: Settings) -> dict[str, object]:
    login = urlsplit(settings.microsoft_login_url)
    return {
        "SECRET_KEY": settings.secret_key.reveal(),
        "MAX_CONTENT_LENGTH": BODY_LIMIT,
        "MAX_FORM_MEMORY_SIZE": 1024 * 1024,
        "TESTING": settings.env == "test",
        "BASE_URL": settings.base_url,
        "REDIS_URL": settings.redis_url,
        "FORM_ACTION_ORIGINS": [f"{login.scheme}://{login.netloc}"],
    }


def _add_commands(app: Flask) -> None:
    commands = importlib.import_module("mailsetup.cli.commands")
    for command in commands.commands:
        app.cli.add_command(command)
