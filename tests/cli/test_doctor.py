from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from mailsetup import settings as settings_module
from mailsetup.cli import doctor
from mailsetup.cli.worker import make_worker
from mailsetup.core import crypto, queues
from mailsetup.core.crypto import KeyRing
from mailsetup.core.redact import Secret
from mailsetup.settings import Settings
from tests.valkey_server import ValkeyServer


@pytest.fixture
def registered(settings: Settings) -> Iterator[None]:
    """A worker for each queue, as far as Redis knows."""
    workers = [make_worker(name) for name in queues.QUEUES]
    for worker in workers:
        worker.register_birth()
    yield
    for worker in workers:
        worker.register_death()


def test_it_names_the_queue_that_nobody_serves(settings: Settings) -> None:
    worker = make_worker("mail")
    worker.register_birth()
    assert doctor.check_workers().fault == "No worker serves: tests, alerts, events. Start one for each (see Procfile)."


def test_it_is_content_when_every_queue_is_served(registered: None) -> None:
    assert doctor.check_workers().fault == ""


def test_it_says_when_redis_is_away(settings: Settings, valkey: ValkeyServer) -> None:
    valkey.kill()
    assert "Redis does not answer" in doctor.check_redis().fault


def test_it_refuses_a_redis_that_drops_data(settings: Settings, valkey: ValkeyServer) -> None:
    queues.connection().config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert "noeviction" in doctor.check_redis().fault
    finally:
        queues.connection().config_set("maxmemory-policy", "noeviction")


def test_it_names_a_key_that_is_missing(settings: Settings, alice: object) -> None:
    assert doctor.check_keys().fault == ""
    settings_module.start(replace(settings, key_ring=KeyRing({"other": crypto.new_key()})))
    assert "test" in doctor.check_keys().fault


def test_it_warns_before_the_platform_app_ends(settings: Settings) -> None:
    soon = datetime.now(UTC).date() + timedelta(days=9)
    changes = {"microsoft_client_id": "an-id", "microsoft_client_secret": Secret("x"), "microsoft_client_expires": soon}
    settings_module.start(replace(settings, **changes))  # type: ignore[arg-type]
    assert "9 days" in doctor.check_platform_app().fault


def test_it_says_that_nobody_would_be_told(settings: Settings) -> None:
    assert "nobody would be told" in doctor.check_operator_mail().fault


def test_it_exits_with_one_when_something_is_wrong(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["doctor"])
    assert result.exit_code == 1
    assert "FAULT Workers" in result.output
