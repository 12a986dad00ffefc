"""Whatever is given comes out again when the bytes are read by somebody else's parser."""

from __future__ import annotations

import base64
import email
import re
from email import policy
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailsetup.core.clock import utcnow
from mailsetup.core.errors import InvalidInput
from mailsetup.outbox.compose import compose
from mailsetup.outbox.freeze import KEPT, POLICY, Sender, freeze, parse
from mailsetup.outbox.rendering import rendered

SENDER = Sender("ar@northwind.example", "Northwind, Inc.")
PACKAGE = HeaderRegistry()
LINES = st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp", "Cs"))
WORDS = st.one_of(
    st.text(LINES, max_size=90), st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200)
)
TEXT = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=400),
    st.text(st.sampled_from("ab =.\t\r\nä–\U0001f600"), min_size=1, max_size=600),
    st.integers(1, 2000).map(lambda count: "x" * count),
)
ADDRESSES = st.builds(
    lambda name, local, domain: {"name": name, "address": f"{local}@{domain}"},
    WORDS,
    st.sampled_from(["a", "first.last", "o'brien", "a+b", "x" * 60]),
    st.sampled_from(["fabrikam.example", "mail.bücher.example", "intern.local"]),
)
FILES = st.fixed_dictionaries(
    {
        "filename": WORDS.filter(bool),
        "content_base64": st.binary(min_size=1).map(lambda raw: base64.b64encode(raw).decode()),
    },
    optional={"content_type": st.sampled_from(["image/png", "text/plain"]), "content_id": st.just("logo@northwind")},
)
MAILS = st.fixed_dictionaries(
    {"to": st.lists(ADDRESSES, min_size=1, max_size=6), "subject": WORDS},
    optional={
        "cc": ADDRESSES,
        "reply_to": ADDRESSES,
        "text": TEXT,
        "html": TEXT,
        "headers": st.dictionaries(st.sampled_from(["X-Order", "In-Reply-To", "References", "X-" + "Y" * 60]), WORDS),
        "attachments": st.lists(FILES, max_size=3),
    },
).map(lambda fields: fields if fields.get("text") or fields.get("html") else {**fields, "text": "x"})


def read(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=policy.default)


def words(text: object) -> str:
    """Without its blanks: where a header is folded, they are the folder's."""
    return "".join(str(text).split())


def lines(text: str) -> str:
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return unified if unified.endswith("\n") else f"{unified}\n"


@settings(max_examples=100)
@given(MAILS)
@example({"to": [{"name": "", "address": "a@fabrikam.example"}], "subject": "", "text": "a\n.\n.b \nFrom c\n"})
def test_it_carries_everything_that_was_given(fields: dict[str, Any]) -> None:
    try:
        content = freeze(compose(fields), SENDER, when=utcnow()).content
    except InvalidInput:
        return
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", content)
    mail = read(content)
    assert_headers(mail, fields)
    assert_bodies(mail, fields)


def assert_headers(mail: EmailMessage, fields: dict[str, Any]) -> None:
    names = {name.lower() for name in mail} - {"mime-version", "date", "message-id", "from"}
    names -= {"content-type", "content-transfer-encoding"}
    given = {
        "reply-to" if name == "reply_to" else name for name in fields if name in {"to", "cc", "reply_to", "subject"}
    }
    assert names == given | {name.lower() for name in fields.get("headers", {})}
    for name, value in {**fields.get("headers", {}), "subject": fields["subject"]}.items():
        assert words(mail[name]) == words(value)
    for entry, found in zip(fields["to"], mail["to"].addresses, strict=True):
        assert words(found.display_name) == words(entry["name"])
        assert found.addr_spec == entry["address"].replace("bücher", "xn--bcher-kva")
    assert mail["from"].addresses == (Address("Northwind, Inc.", addr_spec=SENDER.address),)


def assert_bodies(mail: EmailMessage, fields: dict[str, Any]) -> None:
    parts = [part for part in mail.walk() if not part.is_multipart()]
    for subtype in ("plain", "html"):
        text = fields.get("text" if subtype == "plain" else "html")
        if text:
            part = parts.pop(0)
            assert part.get_content_type() == f"text/{subtype}"
            assert lines(part.get_content()) == lines(text)
    for part, file in zip(parts, fields.get("attachments", []), strict=True):
        assert part.get_payload(decode=True) == base64.b64decode(file["content_base64"])
        assert words(part.get_filename()) == words(file["filename"])
        assert part.get_content_disposition() == ("inline" if "content_id" in file else "attachment")


@settings(max_examples=100)
@given(st.sampled_from(["Subject", "X-Order", "In-Reply-To", "References"]), WORDS)
def test_its_headers_read_as_the_packages_do(name: str, value: str) -> None:
    try:
        meant = PACKAGE(name, value)
    except (ValueError, LookupError, AttributeError) as error:
        with pytest.raises(type(error)):
            POLICY.header_factory(name, value)
        return
    made = POLICY.header_factory(name, value)
    assert (str(made), made.name) == (str(meant), meant.name)


@settings(max_examples=100)
@given(st.lists(ADDRESSES, min_size=1, max_size=6))
def test_its_addresses_read_as_the_packages_do(given: list[dict[str, str]]) -> None:
    listed = [Address(entry["name"], addr_spec="a@b.example") for entry in given]
    made, meant = POLICY.header_factory("To", listed), PACKAGE("To", listed)
    assert made.addresses == tuple(listed)
    assert words(made) == words(meant)


@settings(max_examples=100)
@given(WORDS, TEXT, st.lists(st.binary(max_size=100), max_size=2))
def test_it_writes_the_bytes_that_the_package_writes(subject: str, text: str, files: list[bytes]) -> None:
    mail = EmailMessage(policy=policy.SMTP)
    mail["To"] = "a@fabrikam.example, Zoë <b@fabrikam.example>"
    mail["Subject"] = subject
    mail.set_content(text)
    for raw in files:
        mail.add_attachment(raw, maintype="image", subtype="png", filename="a.png")
    if files:
        mail.set_boundary("between")
    assert rendered(mail) == mail.as_bytes()


@pytest.mark.parametrize("kind", ["multipart/signed", "multipart/mixed", "multipart/related"])
def test_it_writes_what_was_read_byte_for_byte(kind: str) -> None:
    inner = b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nText"
    head = f"To: a@b.example\r\nContent-Type: {kind};\r\n boundary=b\r\n\r\n".encode()
    raw = head + b"before\r\n--b\r\n\r\nText\r\n--b\r\n" + inner + b"\r\n--b--\r\nafter"
    assert rendered(parse(raw)) == email.message_from_bytes(raw, policy=KEPT).as_bytes() == raw
