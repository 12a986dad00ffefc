"""Headers and cookies of every answer."""

import re

import pytest
from flask import Flask, session
from flask.testing import FlaskClient

from tests.web.conftest import make_app


def client_of(app: Flask) -> FlaskClient:
    @app.get("/page")
    def page() -> str:
        session["seen"] = True
        return app.jinja_env.from_string('{% extends "base_plain.html" %}').render()

    return app.test_client()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return client_of(app)


def test_it_sends_the_protective_headers(client: FlaskClient) -> None:
    headers = client.get("/page").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "rule",
    ["default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"],
)
def test_it_forbids_by_policy(client: FlaskClient, rule: str) -> None:
    assert rule in client.get("/page").headers["Content-Security-Policy"].split("; ")


def test_it_never_allows_inline_code(client: FlaskClient) -> None:
    assert "unsafe" not in client.get("/page").headers["Content-Security-Policy"]


def test_it_names_the_nonce_that_the_page_uses_and_a_new_one_each_time(client: FlaskClient) -> None:
    seen = set()
    for _ in range(2):
        answer = client.get("/page")
        found = re.search(r"'nonce-([\w-]+)'", answer.headers["Content-Security-Policy"])
        assert found
        assert f'<script nonce="{found[1]}">' in answer.text
        seen.add(found[1])
    assert len(seen) == 2


def test_it_lets_forms_lead_to_the_origins_named_in_the_settings(app: Flask) -> None:
    app.config["FORM_ACTION_ORIGINS"] = ("https://login.microsoftonline.com",)
    policy = client_of(app).get("/page").headers["Content-Security-Policy"]
    assert "form-action 'self' https://login.microsoftonline.com" in policy


def test_it_keeps_pages_out_of_caches(client: FlaskClient) -> None:
    headers = client.get("/page").headers
    assert headers["Cache-Control"] == "no-store"
    assert "Cookie" in headers["Vary"]


def test_it_lets_browsers_keep_a_static_file_with_its_digest(client: FlaskClient) -> None:
    kept = client.get("/static/css/base.css?v=1").headers["Cache-Control"]
    assert "immutable" in kept
    assert "immutable" not in client.get("/static/css/base.css").headers["Cache-Control"]
    assert client.get("/static/css/missing.css?v=1").headers["Cache-Control"] == "no-store"


def test_it_flags_the_cookie_on_https() -> None:
    answer = client_of(make_app("https://mail.example.com")).get("/page", base_url="https://mail.example.com")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_it_promises_no_https_on_plain_http(client: FlaskClient) -> None:
    answer = client.get("/page")
    assert "Strict-Transport-Security" not in answer.headers
    assert answer.headers["Set-Cookie"].startswith("session=")
