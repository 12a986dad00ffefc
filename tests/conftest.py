"""Fixtures every test may ask for: settings, the app, a database session, and four people.

Alice owns the workspace Northwind, Ada is its admin, Bob a member; Charlie owns another workspace.
"""

from __future__ import annotations

import base64
import importlib
import ipaddress
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from mailsetup import application
from mailsetup import settings as settings_module
from mailsetup.core import db, raw_sql
from mailsetup.core.crypto import KeyRing
from mailsetup.core.redact import Secret
from mailsetup.settings import Settings
from mailsetup.web.limits import limiter
from mailsetup.workspaces import passwords
from tests import people
from tests.fakes.dns_server import NameServer
from tests.people import Person

pytest_plugins = [
    "tests.databases",
    "tests.valkey_server",
    "tests.browsers",
    "tests.fakes.exim",
    "tests.distribution",
    "tests.name_server",
    "tests.economy",
]


@pytest.fixture
def settings_changes() -> dict[str, Any]:
    """What a test wants different in its settings: override this fixture."""
    return {}


@pytest.fixture
def settings(
    database_url: str,
    redis_url: str,
    tmp_path: Path,
    settings_changes: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    names: NameServer,
) -> Settings:
    """Settings of this test, with keys of its own; the process is started with them."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobodys_hash.cache_clear()
    fresh = Settings(
        env="test",
        database_url=database_url,
        redis_url=redis_url,
        base_url="http://localhost",
        secret_key=Secret(secrets.token_hex(32)),
        key_ring=KeyRing.parse(f"test:{base64.b64encode(secrets.token_bytes(32)).decode()}"),
        egress_allow=(ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")),
        operator_from="alerts@mailsetup.example",
        operator_emails=("olivia@mailsetup.example",),
        journal_dir=str(tmp_path / "journal"),
        dns_servers=(("127.0.0.1", names.port),),
    )
    return settings_module.start(replace(fresh, **settings_changes))


@pytest.fixture
def session(settings: Settings) -> Iterator[Session]:
    """The test's own session. Commit before code under test opens one of its own; clients do it by themselves."""
    engine = db.make_engine(settings.database_url)
    if engine.dialect.name == "sqlite":
        # The product takes the write lock with every transaction; a test that only reads must not hold it.
        event.remove(engine, "begin", raw_sql.begin_immediate)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    with db.sessions()(bind=engine) as opened:
        yield opened
    engine.dispose()


@pytest.fixture
def app(settings: Settings, session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The whole application, without CSRF tokens and throttles."""
    monkeypatch.setattr(application, "FEATURES", _finished(application.FEATURES))
    app = application.create_app(settings)
    app.config["WTF_CSRF_ENABLED"] = False
    app.test_client_class = people.Client
    app.extensions["tests.session"] = session
    monkeypatch.setattr(limiter, "enabled", False)
    yield app
    db.engine().dispose()


def _finished(features: tuple[str, ...]) -> tuple[str, ...]:
    found = []
    for feature in features:
        try:
            importlib.import_module(feature)
        except ImportError:
            continue
        found.append(feature)
    return tuple(found)


@pytest.fixture
def throttles(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns the throttles on."""
    monkeypatch.setattr(limiter, "enabled", True)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser in which nobody is signed in."""
    return app.test_client()


@pytest.fixture
def alice(app: Flask, session: Session) -> Person:
    """The owner of Northwind."""
    return people.founder(app, session, name="Alice", email="alice@northwind.example", workspace_name="Northwind")


@pytest.fixture
def ada(app: Flask, session: Session, alice: Person) -> Person:
    """An admin of Northwind."""
    return people.colleague(app, session, alice, name="Ada", email="ada@northwind.example", role="admin")


@pytest.fixture
def bob(app: Flask, session: Session, alice: Person) -> Person:
    """A member of Northwind: sees, cannot change."""
    return people.colleague(app, session, alice, name="Bob", email="bob@northwind.example", role="member")


@pytest.fixture
def charlie(app: Flask, session: Session) -> Person:
    """A stranger: the owner of another workspace."""
    return people.founder(app, session, name="Charlie", email="charlie@fabrikam.example", workspace_name="Fabrikam")
