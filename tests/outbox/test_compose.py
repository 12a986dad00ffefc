"""The fields of a request become a mail, or a sentence beside the field that is wrong."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from mailsetup.core.clock import utcnow
from mailsetup.core.errors import InvalidInput
from mailsetup.outbox.compose import compose
from mailsetup.outbox.freeze import Sender, freeze, parse

SENDER = Sender("ar@northwind.example", "Northwind")
GOOD: dict[str, Any] = {"to": "me@fabrikam.example", "subject": "Hello", "text": "Hi.\n"}
PDF = {"filename": "a.pdf", "content_type": "application/pdf", "content_base64": base64.b64encode(b"%PDF").decode()}


def test_it_makes_a_mail_with_text_html_and_an_attachment() -> None:
    fields = {**GOOD, "html": "<p>Größe</p>", "attachments": [PDF], "headers": {"X-Order": "42"}}
    frozen = freeze(compose(fields), SENDER, when=utcnow())
    read = parse(frozen.content)
    assert [part.get_content_type() for part in read.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf",
    ]  # fmt: skip
    assert read["X-Order"] == "42"
    assert frozen.content.isascii()


def test_it_takes_names_in_every_spelling() -> None:
    to = [
        'Zoë, the "Boss" <zoe@fabrikam.example>',
        {"name": "李雷", "address": "li@fabrikam.example"},
        "x@bücher.example",
        "x@straße.example",
    ]
    frozen = freeze(compose({**GOOD, "to": to}), SENDER, when=utcnow())
    asked = ("zoe@fabrikam.example", "li@fabrikam.example")
    assert frozen.recipients == (*asked, "x@xn--bcher-kva.example", "x@xn--strae-oqa.example")


@pytest.mark.parametrize("name", ["../../etc/passwd", 'a"; filename="b.exe', "a;b=c.pdf", "Größe €.pdf", "x" * 255])
def test_a_file_name_goes_out_as_one_value_and_comes_back_as_it_was(name: str) -> None:
    frozen = freeze(compose({**GOOD, "attachments": [{**PDF, "filename": name}]}), SENDER, when=utcnow())
    assert frozen.content.isascii()
    [part] = parse(frozen.content).iter_attachments()
    assert (part.get_filename(), len(part["Content-Disposition"].params)) == (name, 1)


BAD: list[tuple[str, Any, str]] = [
    ("to", 5, "to"),
    ("to", "nobody", "to"),
    ("to", ["a@b.example", "a@b.example\r\nBcc: x@evil.example"], "to[1]"),
    ("to", "=?utf-8?q?a=0D=0ABcc:_x@evil.example?= <a@b.example>", "to"),
    ("to", {"address": "a@b.example", "nam": "x"}, "to"),
    ("to", ["a@b.example"] * 501, "to"),
    ("from", ["a@b.example", "c@b.example"], "from"),
    ("subject", "Hi\r\nBcc: x@evil.example", "subject"),
    ("subject", "=?utf-8?b?SGkNCkJjYzogeEBldmlsLmV4YW1wbGU=?=", "subject"),
    ("subject", "x" * 999, "subject"),
    ("subject", ["Hi"], "subject"),
    ("text", None, "text"),
    ("text", 7, "text"),
    ("headers", [], "ok"),
    ("headers", "X: y", "headers"),
    ("headers", {"X-A": "b\nBcc: x@evil.example"}, "headers.X-A"),
    ("headers", {"X-A\r\nBcc": "x@evil.example"}, "headers.X-A\r\nBcc"),
    ("headers", {"Bcc": "x@evil.example"}, "headers.Bcc"),
    ("headers", {"Content-Type": "text/html"}, "headers.Content-Type"),
    ("headers", {"X-A": 1}, "headers.X-A"),
    ("attachments", {}, "ok"),
    ("attachments", [{"filename": "a"}], "attachments[0].content_base64"),
    ("attachments", [{**PDF, "content_base64": "%%%"}], "attachments[0].content_base64"),
    ("attachments", [{**PDF, "filename": "a\r\nb"}], "attachments[0].filename"),
    ("attachments", [{**PDF, "content_type": "pdf"}], "attachments[0].content_type"),
    ("attachments", [{**PDF, "content_type": 3}], "attachments[0]"),
    ("attachments", [{**PDF, "content_base64": "QUJD" * 10_000_000}], "attachments"),
]


@pytest.mark.parametrize(("field", "value", "named"), BAD, ids=[f"{row[0]}-{at}" for at, row in enumerate(BAD)])
def test_it_names_the_field_that_is_wrong(field: str, value: Any, named: str) -> None:
    if named == "ok":
        freeze(compose({**GOOD, field: value}), SENDER, when=utcnow())
        return
    with pytest.raises(InvalidInput) as refused:
        freeze(compose({**GOOD, field: value}), SENDER, when=utcnow())
    assert named in refused.value.fields
    assert refused.value.fields[named]
