"""What machines ask: up, able to serve, and the figures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from mailsetup import settings as settings_module
from mailsetup.core.redact import Secret
from mailsetup.settings import Settings
from tests.valkey_server import ValkeyServer


def test_it_says_that_it_lives(client: FlaskClient) -> None:
    assert client.get("/live").status_code == 200


def test_it_is_ready_only_while_database_and_redis_answer(client: FlaskClient, valkey: ValkeyServer) -> None:
    assert client.get("/ready").status_code == 200
    valkey.kill()
    answer = client.get("/ready")
    assert (answer.status_code, answer.get_json()) == (503, {"database": True, "redis": False})
    assert client.get("/live").status_code == 200


def test_it_gives_figures_to_this_machine_alone(client: FlaskClient) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert "mailsetup_ledger_balances 1.0" in answer.get_data(as_text=True)
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.7"}).status_code == 404
    for header in ({"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-Proto": "https"}, {"Via": "1.1 proxy"}):
        assert client.get("/metrics", headers=header).status_code == 404


@pytest.mark.parametrize(("given", "status"), [("Bearer right", 200), ("Bearer wrong", 404), ("", 404)])
def test_it_gives_figures_for_the_token(client: FlaskClient, settings: Settings, given: str, status: int) -> None:
    settings_module.start(replace(settings, metrics_token=Secret("right")))
    headers = {"Authorization": given, "X-Forwarded-For": "203.0.113.7"}
    assert client.get("/metrics", headers=headers).status_code == status


def test_it_answers_503_while_the_database_is_away(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    def away(*_arguments: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr("mailsetup.api.keys.find_key", away)
    answer = client.post("/api/v1/messages", json={})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
