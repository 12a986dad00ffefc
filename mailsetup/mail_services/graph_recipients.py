"""Graph sends a mail in MIME to whom its headers name, and to nobody else: they are made to say what the envelope says.

Who has a mail already, or gets it another way, is taken out of To and Cc; who is named nowhere comes into Bcc.
"""

from __future__ import annotations

import re
from email import policy
from email.errors import MessageError
from email.parser import BytesHeaderParser
from email.utils import formataddr, getaddresses

from mailsetup.mail_services.base import Mail

_HEADER_END = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"(?im)^(to|cc|bcc):[^\n]*\n(?:[ \t][^\n]*\n)*")


def addressed(mail: Mail) -> bytes:
    """The mail with headers that name its recipients, and them alone."""
    named, wanted = _named(mail.content), {address.lower() for address in mail.recipients}
    content = mail.content if named <= wanted else _without_others(mail.content, wanted)
    hidden = [address for address in mail.recipients if address.lower() not in named]
    if not hidden:
        return content
    return b"Bcc: " + ",\r\n ".join(hidden).encode("utf-8") + b"\r\n" + content


def _named(content: bytes) -> set[str]:
    try:
        headers = BytesHeaderParser(policy=policy.compat32).parsebytes(content[: _end_of_headers(content)])
        lines = [str(value) for name in ("To", "Cc", "Bcc") for value in headers.get_all(name, [])]
    except (MessageError, ValueError):
        return set()
    return {address.lower() for _name, address in getaddresses(lines) if address}


def _without_others(content: bytes, wanted: set[str]) -> bytes:
    end = _end_of_headers(content)

    def kept(field: re.Match[bytes]) -> bytes:
        listed = getaddresses([field[0].partition(b":")[2].decode("ascii", "replace")])
        shown = [formataddr(pair) for pair in listed if pair[1].lower() in wanted]
        return field[1] + b": " + ",\r\n ".join(shown).encode("ascii", "replace") + b"\r\n" if shown else b""

    return _FIELD.sub(kept, content[:end]) + content[end:]


def _end_of_headers(content: bytes) -> int:
    """Where the empty line behind the headers begins."""
    found = _HEADER_END.search(content)
    return found.start() + (2 if content[found.start() : found.start() + 1] == b"\r" else 1) if found else len(content)
