"""A mail as an admin may look at it: headers, text, HTML for a frame without scripts, names of attachments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import EmailMessage

from mailsetup.outbox.freeze import parse

SHOWN = ("From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID")
TEXT_LIMIT = 200_000
# The frame has an origin of its own and may load nothing: not even a picture that tells who looks.
FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
FRAME_HEAD = (
    f'<meta http-equiv="Content-Security-Policy" content="{FRAME_POLICY}">'
    '<meta name="color-scheme" content="light"><base target="_blank">'
)
# Chromium connects to where a frame inside leads before it asks whether it may: that tells who looks, too.
_FRAMES = re.compile(r"<(/?)(?=i?frame)", re.IGNORECASE)


@dataclass(frozen=True)
class Attachment:
    """A file inside the mail."""

    name: str
    content_type: str
    size: int


@dataclass(frozen=True)
class Parts:
    """What is in a mail."""

    headers: list[tuple[str, str]]
    text: str
    html: str
    attachments: list[Attachment]


def read(content: bytes) -> Parts:
    """The parts of these bytes."""
    message = parse(content)
    headers = [(name, str(message[name])) for name in SHOWN if message[name] is not None]
    html = _body(message, "html")
    return Parts(
        headers,
        _body(message, "plain"),
        FRAME_HEAD + _FRAMES.sub(r"<\1no-", html) if html else "",
        _attachments(message),
    )


def _body(message: EmailMessage, subtype: str) -> str:
    part = message.get_body(preferencelist=(subtype,))
    if part is None:
        return ""
    raw = part.get_payload(decode=True)
    charset = part.get_content_charset("utf-8")
    try:
        text = raw.decode(charset, "replace") if isinstance(raw, bytes) else ""
    except LookupError:
        text = raw.decode("latin-1") if isinstance(raw, bytes) else ""
    return text[:TEXT_LIMIT]


def _attachments(message: EmailMessage) -> list[Attachment]:
    found = []
    for part in message.walk():
        name = part.get_filename()
        if name and not part.is_multipart():
            raw = part.get_payload(decode=True)
            size = len(raw) if isinstance(raw, bytes) else 0
            found.append(Attachment(name, part.get_content_type(), size))
    return found
