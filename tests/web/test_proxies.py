"""Whose request it is, when proxies stand in front."""

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from mailsetup.web.proxies import install_proxies

FORWARDED = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "X-Forwarded-Proto": "https"}


def client_behind(hops: int) -> FlaskClient:
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: f"{request.remote_addr} {request.scheme}")
    install_proxies(app, hops=hops)
    return app.test_client()


@pytest.mark.parametrize(
    ("hops", "seen"), [(0, "127.0.0.1 http"), (1, "203.0.113.7 https"), (2, "198.51.100.1 http"), (3, "127.0.0.1 http")]
)
def test_it_believes_as_many_proxies_as_the_operator_has(hops: int, seen: str) -> None:
    assert client_behind(hops).get("/", headers=FORWARDED).text == seen


@pytest.mark.parametrize(("hops", "warnings"), [(0, 1), (1, 0)])
def test_it_says_once_that_a_proxy_is_not_counted(hops: int, warnings: int) -> None:
    client = client_behind(hops)
    with capture_logs() as logs:
        for headers in ({}, FORWARDED, FORWARDED):
            client.get("/", headers=headers)
    assert [line["event"] for line in logs] == ["proxy_not_counted"] * warnings
