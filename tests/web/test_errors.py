"""Error pages for people, problem documents for programs."""

import io
from collections.abc import Callable
from typing import NoReturn

import pytest
import structlog
from flask import Flask, abort, request
from flask.testing import FlaskClient
from gunicorn.http.errors import InvalidChunkSize
from sqlalchemy.exc import IntegrityError

from mailsetup.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from mailsetup.web import frame
from mailsetup.web.frame import FrameData
from mailsetup.web.limits import limiter

SECRET = "hunter2-in-an-exception"
FAILURES: dict[str, Callable[[], NoReturn]] = {
    "invalid": lambda: raises(InvalidInput({"host": "Enter a host."})),
    "missing": lambda: raises(NotFound("no such credential 4711")),
    "forbidden": lambda: raises(NotAllowed("Only an owner or admin may change a credential.")),
    "conflict": lambda: raises(Conflict("3 setups use this credential. Choose another one for them first.")),
    "meanwhile": lambda: raises(IntegrityError("INSERT", {}, ValueError("its way of alerts was deleted"))),
    "broken": lambda: raises(RuntimeError(SECRET)),
    "unavailable": lambda: abort(503),
}


def raises(error: Exception) -> NoReturn:
    raise error


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    for name, fail in FAILURES.items():
        for prefix in ("", "/api/v1"):
            app.add_url_rule(f"{prefix}/{name}", f"{prefix}{name}".replace("/", "_"), view_func=fail)
    app.add_url_rule("/api/v1/upload", "upload", view_func=lambda: request.data, methods=["POST"])
    app.add_url_rule("/upload", "page_upload", view_func=lambda: request.data, methods=["POST"])
    return app.test_client()


CASES = [
    ("invalid", 422, "Enter a host."),
    ("missing", 404, "There is nothing at this address"),
    ("nowhere", 404, "There is nothing at this address"),
    ("forbidden", 403, "Only an owner or admin may change a credential."),
    ("conflict", 409, "3 setups use this credential."),
    ("meanwhile", 409, "This cannot be done now"),
    ("unavailable", 503, "Queued mail is safe."),
    ("broken", 500, "This page could not be shown"),
]


@pytest.mark.parametrize(("path", "status", "words"), CASES)
def test_it_shows_a_page_to_a_person(client: FlaskClient, path: str, status: int, words: str) -> None:
    answer = client.get(f"/{path}")
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert words in answer.text
    assert "<h1>" in answer.text


@pytest.mark.parametrize(("path", "status", "words"), CASES)
def test_it_gives_a_problem_document_to_a_program(client: FlaskClient, path: str, status: int, words: str) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.json
    assert answer.json["status"] == status
    assert words in f"{answer.json['title']} {answer.json['detail']}"
    assert answer.headers["Cache-Control"] == "no-store"


def test_it_names_each_wrong_field_to_a_program(client: FlaskClient) -> None:
    answer = client.get("/api/v1/invalid").json
    assert answer
    assert answer["errors"] == {"host": "Enter a host."}


def test_it_does_not_say_what_is_missing(client: FlaskClient) -> None:
    assert "4711" not in client.get("/missing").text


def test_it_logs_a_failure_under_the_number_it_shows(client: FlaskClient) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = client.get("/api/v1/broken").json
    assert answer
    assert [entry["error_id"] for entry in logs] == [answer["error_id"]]
    assert isinstance(logs[0]["exc_info"], RuntimeError)


@pytest.mark.parametrize("path", ["/broken", "/api/v1/broken"])
def test_it_shows_nothing_of_the_exception(client: FlaskClient, path: str) -> None:
    assert SECRET not in client.get(path).text


def test_it_shows_the_page_also_when_the_frame_is_what_failed(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_database() -> FrameData:
        raise RuntimeError("the database is away")

    monkeypatch.setattr(frame, "_providers", [no_database])
    for path in ("/broken", "/missing"):
        answer = client.get(path)
        assert (answer.status_code, "This page could not be shown" in answer.text) == (500, True)


def test_it_raises_in_tests_rather_than_hiding_the_failure(app: Flask, client: FlaskClient) -> None:
    app.testing = True
    with pytest.raises(RuntimeError):
        client.get("/broken")


def test_it_says_when_too_much_was_sent(client: FlaskClient) -> None:
    answer = client.post("/api/v1/upload", data=b"x" * 1_000_001)
    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")


def test_it_says_which_methods_an_address_takes(client: FlaskClient) -> None:
    answer = client.get("/api/v1/upload")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_it_says_when_to_try_again(app: Flask, client: FlaskClient) -> None:
    app.add_url_rule("/once", "once", view_func=limiter.limit("1/minute")(lambda: "in"))
    assert client.get("/once").status_code == 200
    answer = client.get("/once")
    assert (answer.status_code, "Too many tries" in answer.text) == (429, True)
    assert 0 < int(answer.headers["Retry-After"]) <= 60


class Torn(io.BytesIO):
    """A body whose chunks have no sense, as gunicorn tells whoever reads it."""

    def read(self, *_: object) -> bytes:
        raise InvalidChunkSize(b"zz")

    def readinto(self, buffer: object) -> int:
        return len(self.read(buffer))


@pytest.mark.parametrize("path", ["/api/v1/upload", "/upload"])
def test_it_says_that_a_body_cannot_be_read(client: FlaskClient, path: str) -> None:
    sort = "application/x-www-form-urlencoded"
    answer = client.post(path, input_stream=Torn(b"a=b"), content_type=sort)
    assert answer.status_code == 400
    assert "The request could not be read" in answer.text


@pytest.mark.parametrize("path", ["/invalid", "/api/v1/invalid", "/static/css/app.css"])
def test_it_refuses_a_host_that_is_none(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Host": "x" * 300})
    assert answer.status_code == 400
    assert answer.headers["Cache-Control"] == "no-store"
