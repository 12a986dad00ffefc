from __future__ import annotations

import pytest

from mailsetup.core.errors import InvalidInput
from mailsetup.mail_services import values
from mailsetup.mail_services.values import Answers


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("SMTP.Example.com", "smtp.example.com"),
        ("smtp.example.com.", "smtp.example.com"),
        ("mail_relay.corp", "mail_relay.corp"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("smtp.STRAßE.example", "smtp.xn--strae-oqa.example"),
        ("[2606:4700::1111]", "2606:4700::1111"),
        ("192.0.2.1", "192.0.2.1"),
        ("localhost", "localhost"),
    ],
)
def test_it_takes_host_names(typed, cleaned):
    assert values.host_name(typed) == cleaned


@pytest.mark.parametrize(
    "typed",
    [
        "smtp://smtp.example.com",
        "smtp.example.com:587",
        "me@x.org",
        "a b.com",
        "a\nb",
        "a/b",
        "a..b",
        "-a.com",
        "*.example.com",
        "x" * 64 + ".com",
        "a." * 130 + "com",
        "",
    ],
)
def test_it_refuses_what_is_no_host(typed):
    with pytest.raises(ValueError, match=r"Type|line break"):
        values.host_name(typed)


@pytest.mark.parametrize("typed", ["0", "65536", "-1", "5.5", "587 ", "five", "٥٨٧", "1e3", "99999999999"])
def test_it_refuses_what_is_no_port(typed):
    with pytest.raises(ValueError, match="Type a port"):
        values.port_number(typed)


@pytest.mark.parametrize("typed", ["ar@contoso.com", "a.b+c@corp.local", "jörg@example.com", "x@localhost"])
def test_it_takes_addresses(typed):
    assert values.email_address(typed) == typed


@pytest.mark.parametrize(
    "typed",
    ["nobody", "a@", "@b.com", "a b@c.com", "Ann <a@b.com>", "a@b.com,c@d.com", "a@b.com\r\nBcc: x@y.z", "a@b\n.com"],
)
def test_it_refuses_what_is_no_address(typed):
    with pytest.raises(ValueError, match=r"Type|line break"):
        values.email_address(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "a\r\nBcc: x@y.z",
        "a\nb",
        "a\x00b",
        "a\u2028b",
        "=?utf-8?q?Hi=0ABcc:_x@y.z?=",
        "=?utf-8?b?SGkKQmNjOiB4?=",
        "\x85",
    ],
)
def test_no_line_break_gets_into_a_header(typed):
    with pytest.raises(ValueError, match="line break"):
        values.one_line(typed)


def test_encoded_words_without_line_breaks_are_fine():
    assert values.one_line("=?utf-8?q?Gr=C3=BC=C3=9Fe?=")


def test_answers_are_trimmed_and_collected():
    answers = Answers({"host": "  smtp.example.com ", "port": "no", "tick": "on"})
    assert answers.parsed("host", values.host_name) == "smtp.example.com"
    assert answers.parsed("port", values.port_number) == ""
    assert answers.parsed("from", values.email_address, missing="Type it.") == ""
    assert answers.ticked("tick")
    assert not answers.ticked("other")
    with pytest.raises(InvalidInput) as refused:
        answers.finish()
    assert set(refused.value.fields) == {"port", "from"}


def test_an_answer_has_a_limit():
    answers = Answers({"host": "x" * 9000})
    answers.text("host")
    assert "too long" in answers.wrong["host"]
