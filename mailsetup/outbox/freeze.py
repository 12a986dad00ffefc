"""Freezes a mail: the bytes and the Message-ID that every attempt sends (RFC 5322, CRLF, no Bcc)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.errors import HeaderParseError, MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from mailsetup.core.errors import InvalidInput
from mailsetup.outbox import contents, header_types, headers, rendering

SIZE_LIMIT = 25 * 1024 * 1024
RECIPIENT_LIMIT = 500
LINE_LIMIT = 998
POLICY = header_types.POLICY.clone(cte_type="7bit")
# What has a line already keeps its line breaks: a signed mail must not change on its way.
KEPT = POLICY.clone(refold_source="none")
REMOVED = ("Bcc", "Resent-Bcc", "Return-Path")
TOO_LARGE = "The mail is too large: with its attachments it may have 25 MB, and attachments grow by a third on the way."
TOO_DEEP = "The mail cannot be read: parts, or comments in its headers, stand inside each other too often."
_FOLDED = re.compile(rb"\r\n[ \t]")
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class Sender:
    """What a saved setup says about the From header."""

    address: str
    name: str = ""

    def header(self) -> Address:
        """As the value of a From header."""
        return header_types.address(self.name, self.address)


@dataclass(frozen=True)
class Frozen:
    """A mail as it is kept; without a From yet (`complete` is false) it is finished when a setup takes it."""

    content: bytes
    complete: bool
    from_address: str
    message_id: str
    recipients: tuple[str, ...]
    subject: str


def parse(content: bytes) -> EmailMessage:
    """The mail in these bytes, its line ends made CRLF. Raises InvalidInput."""
    if b"\x00" in content:
        raise InvalidInput({"": "The mail holds a NUL byte; encode binary parts as base64."})
    content = _LINE_END.sub(b"\r\n", content)
    if any(len(line) > LINE_LIMIT for line in content.split(b"\r\n")):
        raise InvalidInput({"": f"The mail has a line of more than {LINE_LIMIT} bytes (RFC 5322 2.1.1)."})
    if not content.partition(b"\r\n\r\n")[0].isascii():
        raise InvalidInput({"headers": "A header holds other letters than ASCII as they are; encode them (RFC 2047)."})
    try:
        message = message_from_bytes(content, policy=KEPT)
    except RecursionError as error:
        raise InvalidInput({"": TOO_DEEP}) from error
    if not message.keys() or message.defects:
        raise InvalidInput({"": "This is not a mail: it must begin with headers such as To and Subject (RFC 5322)."})
    return message


def freeze(
    message: EmailMessage, sender: Sender | None, *, when: datetime, recipients: Sequence[str] | None = None
) -> Frozen:
    """The mail checked and rendered; `recipients` replaces those in the headers. Raises InvalidInput by field."""
    try:
        _check_size(sum(len(str(part.get_payload())) for part in message.walk() if not part.is_multipart()))
        return _frozen(_copied(message), sender, when, recipients)
    except (HeaderParseError, MessageError, UnicodeError, ValueError, LookupError, AttributeError, TypeError) as error:
        # What the email package raises for headers it cannot read is not of one kind (Python 3.11).
        raise InvalidInput({"headers": f"The headers of this mail cannot be read ({type(error).__name__})."}) from error
    except RecursionError as error:
        raise InvalidInput({"": TOO_DEEP}) from error


def _frozen(mail: EmailMessage, sender: Sender | None, when: datetime, recipients: Sequence[str] | None) -> Frozen:
    headers.check_headers(mail)
    envelope = _envelope(mail, recipients)
    from_address = _settle_from(mail, sender)
    for name in REMOVED:
        del mail[name]
    message_id = _complete(mail, from_address, when) if from_address else ""
    content = _rendered(mail)
    return Frozen(content, bool(from_address), from_address, message_id, envelope, headers.subject_of(mail))


def finish(content: bytes, sender: Sender, *, when: datetime) -> Frozen:
    """A mail that waited for its From, completed by the setup that takes it. Raises InvalidInput."""
    return freeze(message_from_bytes(content, policy=KEPT), sender, when=when, recipients=[sender.address])


def _copied(message: EmailMessage) -> EmailMessage:
    # The caller keeps its own object as it was; parts are shared, they are only read.
    kept = getattr(message.policy, "refold_source", "") == "none"
    mail = EmailMessage(policy=KEPT if kept else POLICY)
    for name, value in message.raw_items():
        mail.set_raw(name, value)
    # As it is: `get_payload` would decode what came in 8 bits.
    mail.set_payload(vars(message)["_payload"])
    mail.preamble, mail.epilogue = message.preamble, message.epilogue
    _to_seven_bits(mail)
    return mail


def _to_seven_bits(mail: EmailMessage) -> None:
    """A text that came in 8 bits goes on in base64: not every server takes it as it is (RFC 6152)."""
    content = vars(mail)["_payload"]
    encoding = str(mail.get("Content-Transfer-Encoding", "8bit")).strip().lower()
    if isinstance(content, str) and not content.isascii() and encoding in {"7bit", "8bit", "binary"}:
        mail.set_payload(contents.in_base64(content.encode("ascii", "surrogateescape")))
        del mail["Content-Transfer-Encoding"]
        mail["Content-Transfer-Encoding"] = "base64"


def _envelope(mail: EmailMessage, given: Sequence[str] | None) -> tuple[str, ...]:
    if given is not None:
        found = [headers.plain_address(address, field="to") for address in given]
    else:
        found = [address for name in headers.RECIPIENT_HEADERS for address in headers.addresses(mail, name)]
    unique = tuple({address.lower(): address for address in found}.values())
    if not unique:
        raise InvalidInput({"to": headers.NO_RECIPIENT})
    if len(unique) > RECIPIENT_LIMIT:
        raise InvalidInput({"to": f"There are {len(unique)} recipients; one mail goes to at most {RECIPIENT_LIMIT}."})
    return unique


def _settle_from(mail: EmailMessage, sender: Sender | None) -> str:
    given = headers.addresses(mail, "From")
    if len(given) > 1:
        raise InvalidInput({"from": "Give one From address."})
    if not given and mail["From"] is not None:
        del mail["From"]
    if given and sender and given[0].lower() != sender.address.lower():
        raise InvalidInput({"from": f"This setup sends as {sender.address}. Leave from out, or use that address."})
    if not given and sender:
        mail["From"] = sender.header()
    return given[0] if given else sender.address if sender else ""


def _complete(mail: EmailMessage, from_address: str, when: datetime) -> str:
    if mail["Date"] is None:
        mail["Date"] = header_types.as_it_reads("Date", format_datetime(when))
    if mail["Message-ID"] is None:
        unique = f"<{secrets.token_hex(16)}@{from_address.rpartition('@')[2]}>"
        mail["Message-ID"] = header_types.as_it_reads("Message-ID", unique)
    if mail["MIME-Version"] is None:
        mail["MIME-Version"] = "1.0"
    return str(mail["Message-ID"]).strip()[:400]


def _rendered(mail: EmailMessage) -> bytes:
    content = rendering.rendered(mail)
    _check_size(len(content))
    _check_unchanged(mail, content)
    return content


def _check_size(size: int) -> None:
    if size > SIZE_LIMIT:
        raise InvalidInput({"attachments": TOO_LARGE})


def _check_unchanged(mail: EmailMessage, content: bytes) -> None:
    """Reads the bytes as a stranger would: exactly the headers that were meant, in their order."""
    head = content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    meant = [(name.lower(), _squeezed(value)) for name, value in mail.items()]
    if _as_written(head) == meant:
        return
    read = message_from_bytes(head, policy=header_types.POLICY)
    found = [(name.lower(), _squeezed(value)) for name, value in read.items()]
    if len(meant) != len(found):
        raise InvalidInput({"headers": "A header holds text that would begin another header."})
    for (name, value), (other, carried) in zip(meant, found, strict=True):
        if name != other or value != carried:
            raise InvalidInput({headers.field_of(name): "This cannot be carried in a mail header as it is."})


def _as_written(head: bytes) -> list[tuple[str, str]] | None:
    """The headers letter by letter, which needs no parser; None where they hold anything encoded."""
    if b"=?" in head or not head.isascii():
        return None
    lines = _FOLDED.sub(b" ", head).decode("ascii").split("\r\n")[:-2]
    pairs = (line.partition(":") for line in lines)
    return [(name.lower(), _squeezed(value)) for name, _, value in pairs]


def _squeezed(value: object) -> str:
    return "".join(str(value).split())
