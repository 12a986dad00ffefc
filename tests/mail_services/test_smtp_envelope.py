from __future__ import annotations

from dataclasses import replace

import pytest

from mailsetup.mail_services.base import Report
from mailsetup.mail_services.errors import TransportError
from tests.mail_services.values import session


def fails(door, smtp, mail) -> TransportError:
    talk = session(door, smtp)
    talk.open(Report())
    with pytest.raises(TransportError) as failed:
        talk.deliver(mail, Report())
    return failed.value


@pytest.mark.parametrize(
    "address",
    ["a@x.org>\r\nRCPT TO:<evil@x.org", "a\n@x.org", "a b@x.org", "a@x.org\x00", "nobody", "a@x<y>", "a@\u2028x"],
)
def test_no_address_becomes_a_command(door, smtp, mail, address):
    for changed in (replace(mail, recipients=(address,)), replace(mail, envelope_sender=address)):
        failure = fails(door, smtp, changed)
        assert (failure.code, failure.scope, failure.permanent) == ("address_malformed", "message", True)
    assert smtp.sent("MAIL") == []


def test_it_checks_the_size_before_it_sends(door, smtp, mail):
    smtp.features = ("SIZE 1000", "PIPELINING")
    failure = fails(door, smtp, replace(mail, content=b"x" * 1001))
    assert (failure.code, failure.scope, failure.context["limit"]) == ("too_large", "message", "1 KB")
    assert smtp.sent("MAIL") + smtp.sent("DATA") == []


def test_it_names_the_size_when_the_server_asks_for_it(door, smtp, mail):
    talk = session(door, smtp)
    talk.open(Report())
    talk.deliver(mail, Report())
    assert smtp.sent("MAIL") == [f"MAIL FROM:<ar@contoso.com> SIZE={len(mail.content)}"]


def test_it_announces_eight_bit_content_and_letters_beyond_ascii(door, smtp, mail):
    talk = session(door, smtp)
    talk.open(Report())
    talk.deliver(replace(mail, content="Grüße\r\n".encode(), recipients=("jörg@x.org",)), Report())
    assert smtp.sent("MAIL")[0].endswith(" BODY=8BITMIME SMTPUTF8")
    assert smtp.sent("RCPT") == ["RCPT TO:<jörg@x.org>"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"content": "Grüße\r\n".encode()}, "needs_8bitmime"),
        ({"recipients": ("jörg@x.org",)}, "needs_smtputf8"),
        ({"recipients": ()}, "no_recipients"),
    ],
)
def test_it_says_what_the_server_cannot_carry(door, smtp, mail, changes, code):
    smtp.features = ()
    failure = fails(door, smtp, replace(mail, **changes))
    assert (failure.code, failure.scope, failure.permanent) == (code, "message", True)


def test_an_empty_sender_is_allowed(door, smtp, mail):
    talk = session(door, smtp)
    talk.open(Report())
    talk.deliver(replace(mail, envelope_sender=""), Report())
    assert smtp.sent("MAIL")[0].startswith("MAIL FROM:<> ")


def test_a_huge_envelope_is_not_sent_ahead(door, smtp, mail):
    smtp.features = ("PIPELINING",)
    talk = session(door, smtp)
    talk.open(Report())
    talk.deliver(replace(mail, recipients=tuple(f"person-{n}@example.org" for n in range(900))), Report())
    assert len(smtp.sent("RCPT")) == 900
