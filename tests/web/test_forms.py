"""From a form to values and back."""

import io

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mailsetup.core.errors import InvalidInput
from mailsetup.mail_services.base import Field
from mailsetup.web.forms import form_values, invalid, uploaded
from tests.web.gallery import FIELDS

HOST, FILE = Field("host", "Host"), Field("key_file", "Key file", input="file")


def test_it_takes_the_fields_asked_for_without_blanks_around_them(app: Flask) -> None:
    with app.test_request_context(method="POST", data={"host": "  smtp.example.com\t", "role": "owner"}):
        assert form_values([HOST, Field("port", "Port")]) == {"host": "smtp.example.com", "port": ""}


def test_it_keeps_blanks_inside_and_other_alphabets(app: Flask) -> None:
    with app.test_request_context(method="POST", data={"host": "Grüße an 東京"}):
        assert form_values([HOST])["host"] == "Grüße an 東京"


@pytest.mark.parametrize("value", ["x" * 2_001, "a\0b"])
def test_it_refuses_a_value_nobody_types(app: Flask, value: str) -> None:
    with app.test_request_context(method="POST", data={"host": value}), pytest.raises(InvalidInput) as refused:
        form_values([HOST])
    assert refused.value.fields.keys() == {"host"}


def test_it_reads_an_uploaded_text(app: Flask) -> None:
    data = {"key_file": (io.BytesIO(b"\xef\xbb\xbf-----BEGIN X-----\n"), "../../etc/passwd")}
    with app.test_request_context(method="POST", data=data):
        assert form_values([FILE]) == {"key_file": "-----BEGIN X-----"}


@pytest.mark.parametrize("content", [b"\x30\x82\xff\xfe", b"x" * 100_001])
def test_it_refuses_a_file_that_is_no_text_or_too_large(app: Flask, content: bytes) -> None:
    with (
        app.test_request_context(method="POST", data={"key_file": (io.BytesIO(content), "key.pfx")}),
        pytest.raises(InvalidInput),
    ):
        form_values([FILE])


def test_it_gives_the_bytes_of_an_upload(app: Flask) -> None:
    with app.test_request_context(method="POST", data={"key_file": (io.BytesIO(b"\x30\x82"), "key.pfx")}):
        assert (uploaded("key_file", label="Key file"), uploaded("other", label="Other")) == (b"\x30\x82", b"")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    errors = {"host": "Enter a host without https://.", "": "The two do not fit together."}
    app.add_url_rule("/f", "f", view_func=lambda: invalid("form_page.html", errors, fields=FIELDS), methods=["POST"])
    return app.test_client()


def test_it_shows_the_form_again_with_what_was_typed(client: FlaskClient) -> None:
    answer = client.post("/f", data={"host": '"><script>x', "port": "2525", "tls": "starttls"})
    assert answer.status_code == 422
    assert 'value="&#34;&gt;&lt;script&gt;x"' in answer.text
    assert 'value="2525"' in answer.text
    assert '<option value="starttls" selected>' in answer.text


def test_it_never_shows_a_secret_again(client: FlaskClient) -> None:
    assert "s3cret-value" not in client.post("/f", data={"secret": "s3cret-value"}).text


def test_it_ties_each_error_to_its_field_and_to_the_summary(client: FlaskClient) -> None:
    page = client.post("/f", data={}).text
    assert '<a href="#f-host">Enter a host without https://.</a>' in page
    assert 'aria-describedby="f-host-help f-host-error" aria-invalid="true"' in page
    assert "<li>The two do not fit together.</li>" in page
