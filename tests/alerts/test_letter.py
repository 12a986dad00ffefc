"""The mail itself: one header line for each header, values quoted, both parts whole."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from mailsetup.alerts.facts import NoticeFacts
from mailsetup.alerts.letter import SUBJECT_LIMIT, header_text, write_letter

FACTS = NoticeFacts(
    notice_id="n1",
    event="opened",
    target="it@northwind.example",
    workspace="Northwind",
    base_url="https://mail.example",
    alert_id="a1",
    title="Mail through “Invoices” has stopped",
    subject_label="Invoices",
    link="https://mail.example/outbound/1",
    since="Nov 21, 2026, 3:05 PM (UTC)",
    lasted="12 minutes",
)


def sent(**changes):
    raw = write_letter([replace(FACTS, **changes)], sender="alerts@mail.example").as_bytes(policy=policy.SMTP)
    return message_from_bytes(raw, policy=policy.default)


def html(mail):
    return mail.get_body(("html",)).get_content()


@pytest.mark.parametrize(
    "hostile",
    [
        "Stopped\r\nBcc: evil@fabrikam.example",
        "Stopped\nBcc: evil@fabrikam.example",
        "=?utf-8?q?Stopped=0d=0aBcc=3a_evil=40fabrikam.example?=",
        "=?utf-8?b?U3RvcHBlZA0KQmNjOiBldmlsQGZhYnJpa2FtLmV4YW1wbGU=?=",
        "Stopped\u2028Bcc: evil@fabrikam.example",
    ],
)
@pytest.mark.parametrize("field", ["title", "subject_label", "workspace"])
def test_it_lets_no_value_become_a_header(hostile, field):
    for event in ("opened", "reminded", "resolved", "tested"):
        mail = sent(**{field: hostile, "event": event})
        assert mail["Bcc"] is None
        assert mail["To"] == "it@northwind.example"
        assert "\n" not in mail["Subject"]


def test_it_keeps_the_name_of_a_setup_on_its_line():
    mail = sent(meanwhile="“Spare\nOpen it here: https://evil.example” carries its mail.")
    lines = mail.get_body(("plain",)).get_content().splitlines()
    assert [line for line in lines if line.startswith("Open it here: https://evil")] == []
    assert any("Spare" in line for line in lines)


def test_it_cuts_a_long_subject():
    assert len(header_text("x" * 5000)) == SUBJECT_LIMIT


def test_it_escapes_values_in_the_html():
    mail = sent(title="<img src=x onerror=alert(1)>", what="<a href='https://evil.example'>here</a>", steps=("<b>",))
    assert "<img" not in html(mail)
    assert "<a href='https://evil" not in html(mail)
    assert "<b>" not in html(mail)


def test_it_links_only_to_ourselves():
    links = html(sent(others=("https://evil.example",))).split('href="')[1:]
    assert {link.split('"')[0] for link in links} == {
        "https://mail.example/outbound/1",
        "https://mail.example/alerts#addresses",
    }


def test_it_says_that_nothing_is_lost():
    for waiting, words in ((0, "No mail so far"), (1, "1 mail"), (9, "9 mails")):
        mail = sent(waiting=waiting)
        assert words in html(mail)
        assert "lost" in html(mail)
        assert "lost" in mail.get_body(("plain",)).get_content()


def test_it_names_what_else_is_open():
    mail = sent(others=("Mail through “Reminders” has stopped",))
    assert "Reminders" in mail.get_body(("plain",)).get_content()
    assert "Reminders" in html(mail)


def test_it_asks_for_no_automatic_answer():
    assert sent()["Auto-Submitted"] == "auto-generated"


def test_it_repeats_the_same_message_id_for_the_same_notice():
    assert sent()["Message-ID"] == sent()["Message-ID"] == "<notice-n1@mail.example>"
