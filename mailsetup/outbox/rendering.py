"""A mail as the bytes that go out (RFC 5322, CRLF): what is plain is written as it is, the email package does the rest.

The package writes the same bytes, header by header through its parser and line by line.
"""

from __future__ import annotations

import re
from email.message import EmailMessage, Message
from email.policy import Policy
from typing import Any

from mailsetup.outbox import contents
from mailsetup.outbox.header_types import LINE, is_plain

_LINE_END = re.compile(rb"\r\n|\r|\n")


def rendered(mail: EmailMessage) -> bytes:
    """The whole mail; parts that have no boundary yet get one."""
    if not _is_usual(mail):
        return mail.as_bytes()
    pieces: list[bytes] = []
    _write(mail, pieces)
    return b"".join(pieces)


def _is_usual(part: Any) -> bool:
    """Whether it is made of plain payloads; signed mail and mail in mail have rules of their own."""
    payload, content_type = part.get_payload(), part.get_content_type()
    if content_type.startswith("message/") or content_type == "multipart/signed":
        return False
    if content_type.startswith("multipart/"):
        return isinstance(payload, list) and all(map(_is_usual, payload))
    return isinstance(payload, str) and payload.isascii()


def _write(part: Message, pieces: list[bytes]) -> None:
    payload = part.get_payload()
    if isinstance(payload, str):
        _write_headers(part, pieces)
        pieces.append(_lines(payload))
        return
    if not part.get_boundary():
        part.set_boundary(contents.boundary())
    between = b"--" + str(part.get_boundary()).encode("ascii")
    _write_headers(part, pieces)
    if part.preamble is not None:
        pieces += (_lines(part.preamble), b"\r\n")
    for number, inner in enumerate(payload):
        pieces += (b"\r\n" if number else b"", between, b"\r\n")
        _write(inner, pieces)
    pieces += (b"\r\n", between, b"--\r\n", _lines(part.epilogue or ""))


def _write_headers(part: Message, pieces: list[bytes]) -> None:
    policy: Policy = part.policy if part.policy.linesep == "\r\n" else part.policy.clone(linesep="\r\n")
    for name, value in part.raw_items():
        text = str(value)
        if hasattr(value, "name") and len(name) + 2 + len(text) <= LINE and is_plain(text):
            pieces.append(f"{name}: {text}\r\n".encode("ascii"))
        else:
            pieces.append(policy.fold_binary(name, value))
    pieces.append(b"\r\n")


def _lines(text: str) -> bytes:
    content = text.encode("ascii")
    return _LINE_END.sub(b"\r\n", content) if b"\r" in content else content.replace(b"\n", b"\r\n")
