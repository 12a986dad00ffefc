"""Reads failures on the way: names, connections, encryption, and what mail programs say of them."""

from __future__ import annotations

from collections.abc import Iterator

from mailsetup.mail_services.hints.reading.pasted import Pasted
from mailsetup.mail_services.hints.reading.readings import Reading, reading
from mailsetup.mail_services.hints.reading.signs import SIGNS

# A mail program that waits in vain says the same words as one that cannot connect.
_TALKING = {"timeout", "closed"}
_BEFORE_TALKING = (
    "dial tcp",
    "errno 110]",
    "connect timeout",
    "failed to connect",
    "winerror 10060",
    "error: connection timeout",
)
_SMTP_STARTED = (
    "smtpserverdisconnected",
    "getreply",
    "unexpectedly closed",
    "please run connect() first",
    "smtp greeting",
)


def read(pasted: Pasted, channel: str) -> Iterator[Reading]:
    """What the text tells of the way, first of the channel it came from, then of the others."""
    lower = pasted.lower
    found = [(area, code) for area, code, phrases in SIGNS if any(phrase in lower for phrase in phrases)]
    for area, code in sorted(dict.fromkeys(found), key=lambda sign: sign[0] != channel):
        yield reading(_channel(area, code, channel, lower), _code(area, code, lower), pasted.text)


def _channel(area: str, code: str, channel: str, lower: str) -> str:
    """Silence and hanging up belong to the conversation once there was one."""
    if area == "tcp" and code in _TALKING and not any(sign in lower for sign in _BEFORE_TALKING):
        if channel in {"smtp_exception", "tls", "http"} or (channel == "dns" and code == "timeout"):
            return channel
        if any(sign in lower for sign in _SMTP_STARTED):
            return "smtp_exception"
    return area


def _code(area: str, code: str, lower: str) -> str:
    """An answer after the whole mail is another thing than one before it."""
    if area == "tcp" and code in _TALKING and ("after data" in lower or ("in data()" in lower and "getreply" in lower)):
        return "answer_lost"
    return code
