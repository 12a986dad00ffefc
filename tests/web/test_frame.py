"""What surrounds every page."""

import re

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient

from mailsetup.web.frame import Banner, Frame, FrameData, _add, register_frame
from tests.web.gallery import add_gallery, frame_of_gallery

PAGE = '{% extends "base.html" %}{% block title %}Alerts{% endblock %}'


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    app.add_url_rule("/empty", "empty", view_func=lambda: render_template_string(PAGE))
    add_gallery(app)
    return app.test_client()


def links(page: str) -> list[str]:
    return re.findall(r'href="/([a-z_]+)"(?: aria-current="page")?><svg', page)


def test_it_links_the_pages_that_exist_in_order(client: FlaskClient) -> None:
    register_frame(frame_of_gallery)
    assert links(client.get("/empty").text) == [
        "overview", "outbound", "messages", "alerts", "credentials", "members", "api_keys", "audit", "operator",
    ]  # fmt: skip


def test_it_shows_the_operators_page_to_operators_only(client: FlaskClient) -> None:
    assert "operator" not in links(client.get("/empty").text)


def test_it_marks_where_the_person_is(client: FlaskClient) -> None:
    page = client.get("/alerts").text
    assert re.findall(r'href="(/\w+)" aria-current="page"', page) == ["/alerts"]


def test_it_shows_person_workspaces_and_banners(client: FlaskClient) -> None:
    register_frame(frame_of_gallery)
    page = client.get("/empty").text
    for words in (
        "alice@contoso.com",
        "Fabrikam",
        "the client secret has expired",
        'action="/out"',
        'action="/switch"',
    ):
        assert words in page
    assert page.count('name="csrf_token"') == 2


def test_it_adds_up_what_providers_say(client: FlaskClient) -> None:
    def more() -> FrameData:
        return {"banners": frame_of_gallery()["banners"], "counts": {"messages.index": 7}}

    register_frame(frame_of_gallery)
    register_frame(more)
    register_frame(more)
    page = client.get("/empty").text
    assert page.count('class="banner ') == 4
    assert [int(count) for count in re.findall(r'class="count">(\d+)', page)] == [7, 2]


def test_it_asks_a_provider_once_a_page_and_not_for_other_answers(app: Flask, client: FlaskClient) -> None:
    asked: list[int] = []

    def counting() -> FrameData:
        asked.append(1)
        return {}

    register_frame(counting)
    app.add_url_rule("/text", "text", view_func=lambda: render_template_string("plain"))
    client.get("/text")
    assert asked == []
    client.get("/empty")
    assert asked == [1]


def test_it_has_one_heading_and_a_way_past_the_navigation(client: FlaskClient) -> None:
    page = client.get("/empty").text
    assert page.count("<h1>") == 1
    assert "<title>Alerts - mailsetup</title>" in page
    assert page.index('class="skip" href="#main"') < page.index("<nav")


def test_it_speaks_flashes_in_the_right_voice(client: FlaskClient) -> None:
    page = client.get("/outbound").text
    assert re.search(r'callout-good" role="status">.*?The setup is saved', page, re.DOTALL)
    assert re.search(r'callout-bad" role="alert">.*?was not accepted', page, re.DOTALL)


def test_it_shows_the_worst_banner_first() -> None:
    frame = Frame()
    _add(frame, {"banners": [Banner("soon", level="warn"), Banner("note", level="info")]})
    _add(frame, {"banners": [Banner("stopped", level="bad")]})
    assert [banner.text for banner in frame.banners] == ["stopped", "soon", "note"]


def test_it_leaves_out_pages_the_person_may_not_open(app: Flask) -> None:
    frame = Frame(hidden={"alerts.index"})
    with app.test_request_context("/"):
        assert "alerts.index" not in [item.endpoint for group in frame.nav for item in group]
