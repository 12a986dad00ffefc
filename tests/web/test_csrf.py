"""Posts from elsewhere are refused."""

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    app.add_url_rule("/form", "form", view_func=lambda: render_template_string("{{ csrf_token() }}"))
    app.add_url_rule("/change", "change", view_func=lambda: "changed", methods=["POST", "DELETE"])
    app.add_url_rule("/api/v1/change", "api_change", view_func=lambda: "changed", methods=["POST"])
    return app.test_client()


@pytest.fixture
def token(client: FlaskClient) -> str:
    return client.get("/form").text


def test_it_takes_a_post_with_its_token(client: FlaskClient, token: str) -> None:
    assert client.post("/change", data={"csrf_token": token}).text == "changed"


def test_it_takes_the_token_in_a_header_for_htmx(client: FlaskClient, token: str) -> None:
    assert client.delete("/change", headers={"X-CSRFToken": token}).text == "changed"


@pytest.mark.parametrize("sent", [{}, {"csrf_token": ""}, {"csrf_token": "made.up.token"}])
def test_it_refuses_a_post_without_a_valid_token(client: FlaskClient, token: str, sent: dict[str, str]) -> None:
    answer = client.post("/change", data=sent)
    assert answer.status_code == 400
    assert "This page is out of date" in answer.text


def test_it_refuses_the_token_of_another_session(app: Flask, client: FlaskClient, token: str) -> None:
    assert app.test_client().post("/change", data={"csrf_token": token}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
)
def test_it_refuses_another_site_even_with_the_token(client: FlaskClient, token: str, headers: dict[str, str]) -> None:
    answer = client.post("/change", data={"csrf_token": token}, headers=headers)
    assert (answer.status_code, "sent from another site" in answer.text) == (400, True)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}])
def test_it_takes_our_own_origin(client: FlaskClient, token: str, headers: dict[str, str]) -> None:
    assert client.post("/change", data={"csrf_token": token}, headers=headers).status_code == 200


def test_it_wants_no_token_from_the_api(client: FlaskClient) -> None:
    assert client.post("/api/v1/change").text == "changed"


def test_it_lets_a_link_from_elsewhere_open_a_page(client: FlaskClient) -> None:
    assert client.get("/form", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200
