"""What the macros render; hostile values stay text."""

import re
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from typing import Any

import pytest
from flask import Flask

from mailsetup.core.clock import utcnow
from mailsetup.mail_services.base import Field
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.hints import explain
from mailsetup.web.states import LOOKS

HOSTILE = """<img src=x onerror=alert(1)>"'`{{7*7}}"""


class Health(Enum):
    BROKEN = "broken"


@pytest.fixture
def ui(app: Flask) -> Iterator[Any]:
    with app.test_request_context("/messages?status=failed"):
        yield app.jinja_env.get_template("_macros.html").module


@pytest.mark.parametrize("state", LOOKS)
def test_it_shows_every_state_as_word_and_shape(ui: Any, state: str) -> None:
    html = ui.status(state)
    assert LOOKS[state].word in html
    assert f"status-{LOOKS[state].tone}" in html
    assert '<svg class="icon' in html


def test_it_shows_a_state_by_its_value_and_takes_another_word(ui: Any) -> None:
    assert "Needs attention" in ui.status(Health.BROKEN)
    assert "Sign in again" in ui.status("broken", "Sign in again")


def test_it_escapes_everywhere(ui: Any) -> None:
    field = Field("f", HOSTILE, help=HOSTILE, placeholder=HOSTILE, choices=((HOSTILE, HOSTILE),), input="select")
    explained = {"title": HOSTILE, "explanation": HOSTILE, "steps": [HOSTILE], "who": HOSTILE, "quote": HOSTILE}
    stages = [{"name": HOSTILE, "state": HOSTILE, "verdict": HOSTILE, "milliseconds": 1}]
    html = "".join([
        ui.status(HOSTILE), ui.copy(HOSTILE, HOSTILE), ui.empty(HOSTILE, HOSTILE, "/", HOSTILE),
        ui.error_summary({HOSTILE: HOSTILE}), ui.field(field, HOSTILE, HOSTILE, HOSTILE), ui.pager(HOSTILE),
        ui.explanation(explained, bundle=HOSTILE, said_by=HOSTILE), ui.stages(stages),
        ui.field(Field("g", "G", input="textarea"), HOSTILE), ui.field(Field("h", "H", fixed=True), HOSTILE),
    ])  # fmt: skip
    assert "<img" not in html
    assert not re.search(r'="[^"]*"\'', html)


def test_it_shows_a_time_in_words_with_the_exact_one_at_hand(ui: Any) -> None:
    html = ui.time(utcnow() - timedelta(minutes=4))
    assert ">4 minutes ago</time>" in html
    assert re.search(r'datetime="20[^"]+\+00:00" title="[^"]+\(UTC\)"', html)
    assert 'tabindex="0"' in html


def test_it_says_never_for_no_time(ui: Any) -> None:
    assert "never" in ui.time(None)


def test_it_keeps_secrets_out_of_every_sort_of_field(ui: Any) -> None:
    for kind in ("text", "password", "textarea", "select", "checkbox"):
        field = Field("s", "Secret", input=kind, secret=True, default="s3cret", fixed=False)
        assert "s3cret" not in ui.field(field, "s3cret")
    assert "s3cret" not in ui.field(Field("p", "Password", input="password"), "s3cret")


def test_it_wants_no_secret_again_that_is_kept(ui: Any) -> None:
    field = Field("s", "Client secret", input="password", secret=True)
    kept = ui.field(field, kept_secret_note="Set on 11/21/2026. Leave it empty to keep it.")
    assert "required" in ui.field(field)
    assert "required" not in kept
    assert "Set on 11/21/2026." in kept


def test_it_submits_a_fixed_field_that_cannot_be_edited(ui: Any) -> None:
    text = ui.field(Field("host", "Host", default="smtp.office365.com", fixed=True))
    choice = ui.field(
        Field("tls", "TLS", input="select", choices=(("starttls", "STARTTLS"),), default="starttls", fixed=True)
    )
    assert re.search(r'value="smtp.office365.com" readonly +id="f-host" name="host"', text)
    assert '<input type="hidden" name="tls" value="starttls">' in choice
    assert "<select" not in choice


@pytest.mark.parametrize(("value", "checked"), [("true", True), ("", False), ("false", False)])
def test_it_ticks_a_box(ui: Any, value: str, checked: bool) -> None:
    assert ("checked" in ui.field(Field("c", "C", input="checkbox", required=False), value)) is checked


def test_it_puts_other_attributes_on_the_control(ui: Any) -> None:
    html = ui.field(Field("email", "Address", input="email"), attrs={"autocomplete": "username", "hx-get": "/suggest"})
    assert 'autocomplete="username"' in html
    assert 'hx-get="/suggest"' in html


def test_it_explains_a_real_failure(ui: Any) -> None:
    error = TransportError("535 5.7.3 Authentication unsuccessful", channel="smtp", stage="authenticate", code="535")
    explained = explain(error)
    html = ui.explanation(explained, bundle="stage: authenticate", said_by="The mail server")
    assert explained.who in html
    assert html.count("<li>") == len(explained.steps)
    assert 'data-copy="stage: authenticate"' in html
    assert "<details>" in html


def test_it_pages_and_keeps_the_filter(ui: Any) -> None:
    assert 'href="/messages?status=failed&amp;cursor=abc"' in ui.pager("abc")
    assert ui.pager(None).strip() == ""


def test_it_sorts_by_a_heading(ui: Any) -> None:
    assert 'aria-sort="ascending"' in ui.sort_heading("To", "to", "to")
    assert "sort=-to" in ui.sort_heading("To", "to", "to")
    assert "aria-sort" not in ui.sort_heading("To", "to", "-subject")


def test_it_names_an_icon_without_a_file(ui: Any) -> None:
    for name in ("no-such-icon", "../../base"):
        with pytest.raises(ValueError, match="icon"):
            ui.icon(name)
