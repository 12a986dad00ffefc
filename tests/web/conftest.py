"""A small app with the frame and nothing else, and pages that only tests have."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from jinja2 import ChoiceLoader, FileSystemLoader

from mailsetup.web import frame
from mailsetup.web.install import install

HERE = Path(__file__).parent


def make_app(base_url: str = "http://localhost") -> Flask:
    app = Flask("mailsetup", template_folder="../templates", static_folder="../static")
    app.config.update(SECRET_KEY="only for this test, 32 characters", TESTING=False, MAX_CONTENT_LENGTH=1_000_000)
    install(app, base_url=base_url, redis_url="")
    assert app.jinja_loader is not None
    app.jinja_env.loader = ChoiceLoader([app.jinja_loader, FileSystemLoader(HERE / "templates")])
    return app


@pytest.fixture(autouse=True)
def no_other_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """Features that other tests imported may have registered theirs."""
    monkeypatch.setattr(frame, "_providers", [])


@pytest.fixture
def app() -> Flask:
    return make_app()
