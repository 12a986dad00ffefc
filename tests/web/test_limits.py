"""How often someone may try."""

import time
from pathlib import Path

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from mailsetup.web.install import install
from mailsetup.web.limits import by_email, by_network, limiter, storage_url


@pytest.mark.parametrize(
    ("redis_url", "storage"),
    [
        ("unix:///run/redis.sock?db=1", "redis+unix:///run/redis.sock?db=1"),
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("rediss://cache.example:6380/0", "rediss://cache.example:6380/0"),
        ("", "memory://"),
    ],
)
def test_it_spells_the_redis_url_for_the_limiter(redis_url: str, storage: str) -> None:
    assert storage_url(redis_url) == storage


@pytest.mark.parametrize(
    ("addresses", "callers"),
    [
        (("203.0.113.7", "203.0.113.7:4000", "::ffff:203.0.113.7", "[::ffff:203.0.113.7]:4000"), 1),
        (("203.0.113.7", "203.0.113.8"), 2),
        (("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "[2001:db8:1:2::1]:4000"), 1),
        (("2001:db8:1:2::1", "2001:db8:1:3::1", "::1"), 3),
        (("unix", ""), 2),
    ],
)
def test_it_counts_a_network_as_one_caller_whatever_the_spelling(
    app: Flask, addresses: tuple[str, ...], callers: int
) -> None:
    found = set()
    for address in addresses:
        with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
            found.add(by_network())
    assert len(found) == callers


def asked_for() -> str:
    return by_email(request.form["email"])


def sign_in(app: Flask) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    limited = limiter.limit("2/minute", key_func=asked_for)(lambda: "in")
    app.add_url_rule("/sign-in", "sign_in", view_func=limited, methods=["POST"])
    return app.test_client()


def test_it_counts_by_address_whatever_its_spelling(app: Flask) -> None:
    client = sign_in(app)
    tries = [
        client.post("/sign-in", data={"email": email}) for email in ("a@x.example", " A@X.example ", "a@x.example")
    ]
    assert [answer.status_code for answer in tries] == [200, 200, 429]
    assert client.post("/sign-in", data={"email": "b@x.example"}).status_code == 200


def test_it_keeps_no_address_in_redis(app: Flask) -> None:
    with app.test_request_context(method="POST"):
        assert "alice" not in by_email("alice@contoso.com")


def test_it_goes_on_counting_while_redis_is_away(tmp_path: Path) -> None:
    app = Flask("mailsetup", template_folder="../templates", static_folder="../static")
    app.config["SECRET_KEY"] = "only for this test, 32 characters"
    install(app, base_url="http://localhost", redis_url=f"unix://{tmp_path}/nobody.sock")
    client = sign_in(app)
    tries = [client.post("/sign-in", data={"email": "a@x.example"}).status_code for _ in range(3)]
    assert tries == [200, 200, 429]


def test_it_tells_what_is_left_of_a_window_in_redis(redis_url: str) -> None:
    app = Flask("mailsetup", template_folder="../templates", static_folder="../static")
    app.config["SECRET_KEY"] = "only for this test, 32 characters"
    install(app, base_url="http://localhost", redis_url=redis_url)
    client, now = sign_in(app), time.time()
    answers = [client.post("/sign-in", data={"email": "a@x.example"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert all(0 < int(answer.headers["X-RateLimit-Reset"]) - now < 62 for answer in answers)
