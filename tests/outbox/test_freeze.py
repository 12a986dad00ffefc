"""The bytes of a mail are made once, and hold exactly the headers that were meant."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsetup.core.clock import utcnow
from mailsetup.core.errors import InvalidInput
from mailsetup.outbox.freeze import Frozen, Sender, finish, freeze, parse
from tests.outbox.conftest import mail

SENDER = Sender("ar@northwind.example", "Northwind")


def frozen(message: EmailMessage, sender: Sender | None = SENDER) -> Frozen:
    return freeze(message, sender, when=utcnow())


def test_it_takes_bcc_out_of_the_bytes_and_into_the_envelope() -> None:
    result = frozen(mail(Bcc="hidden@fabrikam.example"))
    assert result.recipients == ("customer@fabrikam.example", "hidden@fabrikam.example")
    assert b"hidden" not in result.content


def test_it_leaves_the_callers_own_mail_as_it_was() -> None:
    message = mail(Bcc="hidden@fabrikam.example")
    frozen(message)
    assert (message["Bcc"], message["From"], message["Message-ID"]) == ("hidden@fabrikam.example", None, None)


def test_it_fills_in_what_every_mail_needs() -> None:
    read = parse(frozen(mail()).content)
    assert read["From"] == "Northwind <ar@northwind.example>"
    assert read["Message-ID"].endswith("@northwind.example>")
    assert read["Date"]
    assert read["MIME-Version"] == "1.0"


def test_it_ends_every_line_with_crlf() -> None:
    content = frozen(mail()).content
    assert content.replace(b"\r\n", b"").count(b"\n") == 0


def test_it_refuses_another_from_than_the_setups() -> None:
    with pytest.raises(InvalidInput) as refused:
        frozen(mail(From="ceo@northwind.example"))
    assert "ar@northwind.example" in refused.value.fields["from"]


def test_it_waits_for_a_setup_to_fill_in_the_from() -> None:
    waiting = frozen(mail(), None)
    assert (waiting.complete, waiting.message_id) == (False, "")
    assert b"From: Northwind <ar@northwind.example>" in finish(waiting.content, SENDER, when=utcnow()).content


def test_it_keeps_the_message_id_it_was_given() -> None:
    assert frozen(mail(Message_ID="<order-42@shop.example>")).message_id == "<order-42@shop.example>"


@pytest.mark.parametrize(
    ("header", "value", "field"),
    [
        ("Subject", "=?utf-8?q?a=0D=0ABcc=3A_x?=", "subject"),
        ("Subject", "a\x01b", "subject"),
        ("Message-ID", "not an id", "headers.Message-ID"),
        ("To", "=?utf-8?q?a=0Ab?= <a@fabrikam.example>", "to"),
        ("X-Note", "a\x0bb", "headers.X-Note"),
        ("From", "a@x.example, b@x.example", "from"),
    ],
)
def test_it_refuses_headers_that_could_begin_another(header: str, value: str, field: str) -> None:
    to = "" if header == "To" else "To: a@fabrikam.example\r\n"
    with pytest.raises(InvalidInput) as refused:
        frozen(parse(f"{to}{header}: {value}\r\n\r\nText\r\n".encode()))
    assert field in refused.value.fields


def test_it_keeps_a_signed_body_byte_for_byte() -> None:
    body = b"--b\r\nContent-Type: text/plain\r\n\r\nSigned  \r\n text\r\n--b--\r\n"
    raw = b"To: a@fabrikam.example\r\nSubject: x\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n" + body
    assert frozen(parse(raw)).content.endswith(body)


@pytest.mark.parametrize(
    "raw", [b"", b"no header at all", b"To: a@b.example\x00\r\n\r\n", b"To: a\r\n\r\n" + b"x" * 999]
)
def test_it_refuses_what_is_no_mail(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse(raw)


def test_it_refuses_too_many_recipients() -> None:
    everybody = [f"p{number}@fabrikam.example" for number in range(501)]
    with pytest.raises(InvalidInput, match="501 recipients"):
        freeze(mail(), SENDER, when=utcnow(), recipients=everybody)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp", "Cs")), max_size=200))
def test_it_carries_any_subject_or_says_no(subject: str) -> None:
    message = EmailMessage()
    message["To"] = "customer@fabrikam.example"
    message["Subject"] = subject
    message.set_content("x")
    try:
        content = frozen(message).content
    except InvalidInput:
        return
    names = [line.split(b":")[0] for line in content.split(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] not in b" \t"]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("around", [b"", b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"])
def test_it_takes_a_mail_whose_text_comes_in_8_bits(around: bytes) -> None:
    end = b"\r\n--b--\r\n" if around else b""
    text = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n".encode()
    content = frozen(parse(b"To: a@fabrikam.example\r\nSubject: x\r\n" + around + text + end)).content
    part = next(part for part in parse(content).walk() if not part.is_multipart())
    assert (content.isascii(), part.get_content().strip()) == (True, "Grüße")


@pytest.mark.parametrize(
    "deep",
    [
        b"Cc: " + b"\r\n ".join([b"(" * 900] * 3) + b" b@fabrikam.example\r\n\r\nText",
        b"Content-Type: message/rfc822\r\n\r\n" * 3000,
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3000)),
    ],
)
def test_it_refuses_a_mail_that_no_reader_comes_to_the_end_of(deep: bytes) -> None:
    with pytest.raises(InvalidInput, match="too often"):
        frozen(parse(b"To: a@fabrikam.example\r\nSubject: x\r\n" + deep))


def test_it_says_which_letters_a_header_may_not_hold_as_they_are() -> None:
    with pytest.raises(InvalidInput, match="RFC 2047"):
        parse("To: a@fabrikam.example\r\nSubject: Grüße\r\n\r\nText\r\n".encode())
