"""What is in a mail, encoded for the way: in one step each, where the email package goes line by line."""

from __future__ import annotations

import binascii
import re
import secrets
from email.message import EmailMessage

LINE = 76  # RFC 2045 6.7 and 6.8
_LINE_END = re.compile(rb"\r\n?")
_SAFE = bytes(byte for byte in range(32, 127) if byte != ord("=")) + b"\t\n"


def put_text(part: EmailMessage, text: str, *, subtype: str) -> None:
    """Makes the text the content of this part, its line ends those of a mail. Raises UnicodeError for no Unicode."""
    encoding, payload = _encoded(text)
    part["Content-Type"] = f'text/{subtype}; charset="utf-8"'
    part["Content-Transfer-Encoding"] = encoding
    part.set_payload(payload)


def put_bytes(part: EmailMessage, content: bytes, *, content_type: str) -> None:
    """Makes these bytes the content of this part."""
    part["Content-Type"] = content_type
    part["Content-Transfer-Encoding"] = "base64"
    part.set_payload(in_base64(content))


def boundary() -> str:
    """What stands between parts: nobody can have written it, and neither encoding can (RFC 2045 6.7)."""
    return f"=_{secrets.token_hex(16)}"


def attach(mail: EmailMessage, part: EmailMessage) -> None:
    """Adds a part behind what the mail holds."""
    if mail.get_content_type() != "multipart/mixed":
        mail.make_mixed(boundary())
    mail.attach(part)


def _encoded(text: str) -> tuple[str, str]:
    """The transfer encoding and the text in it, chosen so that it stays as short and readable as it can."""
    content = text.encode()
    if b"\r" in content:
        content = _LINE_END.sub(b"\n", content)
    if not content.endswith(b"\n"):
        content += b"\n"
    if text.isascii() and max(map(len, content.split(b"\n"))) <= LINE + 2:
        return "7bit", content.decode("ascii")
    escaped = len(content.translate(None, _SAFE))
    if 6 * escaped > len(content):  # three letters for each against four for every three
        return "base64", in_base64(content)
    return "quoted-printable", binascii.b2a_qp(content, istext=True).decode("ascii")


def in_base64(content: bytes) -> str:
    """These bytes in lines of base64."""
    text = binascii.b2a_base64(content, newline=False).decode("ascii")
    return "".join([f"{text[start : start + LINE]}\n" for start in range(0, len(text), LINE)])
