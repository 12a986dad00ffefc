"""Checks the headers of a mail: nothing in them may begin a second header or another recipient."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.headerregistry import Address
from email.message import EmailMessage

from mailsetup.core.errors import InvalidInput
from mailsetup.mail_services import values

RECIPIENT_HEADERS = ("to", "cc", "bcc")
ADDRESS_HEADERS = ("from", "sender", "reply-to", *RECIPIENT_HEADERS)
SUBJECT_LIMIT = 998
HEADER_LIMIT = 10_000
HEADERS_LIMIT = 200
_NAME = re.compile(r"[!-9;-~]{1,76}")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_MESSAGE_ID = re.compile(r"<[^<>\s@]+@[^<>\s@]+>")
NO_RECIPIENT = "Name at least one recipient in to, cc or bcc."
NO_ADDRESS = "This is not an address; it should look like name@example.com."


def field_of(name: str) -> str:
    """The field under which a fault in this header is reported."""
    plain = name.lower().replace("-", "_")
    return plain if name.lower() in {*ADDRESS_HEADERS, "subject"} else f"headers.{name[:60]}"


def check_headers(message: EmailMessage) -> None:
    """Refuses control characters, plain or encoded (RFC 2047), bad names and sizes. Raises InvalidInput."""
    wrong: dict[str, str] = {}
    items = list(message.raw_items())
    if len(items) > HEADERS_LIMIT:
        raise InvalidInput({"headers": f"There are {len(items)} headers; at most {HEADERS_LIMIT} are taken."})
    for name, value in items:
        fault = _fault(name, _FOLD.sub("", str(value)))
        if fault:
            wrong.setdefault(field_of(name), fault)
    if wrong:
        raise InvalidInput(wrong)


def _fault(name: str, value: str) -> str:
    if not _NAME.fullmatch(name):
        return "A header name has letters, digits and hyphens only."
    if len(value) > HEADER_LIMIT and name.lower() not in ADDRESS_HEADERS:
        return f"This header is too long: at most {HEADER_LIMIT:,} characters."
    if name.lower() == "message-id" and not _MESSAGE_ID.fullmatch(value.strip()):
        return "A Message-ID looks like <unique-text@example.com>."
    try:
        values.one_line(value.replace("\t", " "))
    except ValueError as error:
        return str(error)
    return ""


def subject_of(message: EmailMessage) -> str:
    """The subject as people read it. Raises InvalidInput when it is longer than a line may be (RFC 5322 2.1.1)."""
    subject = str(message["Subject"] or "").strip()
    if len(subject) > SUBJECT_LIMIT:
        raise InvalidInput({"subject": f"The subject is too long: at most {SUBJECT_LIMIT} characters."})
    return subject


def addresses(message: EmailMessage, name: str) -> list[str]:
    """The plain addresses in every header of this name. Raises InvalidInput at the header's field."""
    found: list[str] = []
    for header in message.get_all(name, []):
        listed: Iterable[Address] = getattr(header, "addresses", ())
        if getattr(header, "defects", ()) and not listed:
            raise InvalidInput({field_of(name): NO_ADDRESS})
        found += [plain_address(entry.addr_spec, field=field_of(name)) for entry in listed]
    return found


def plain_address(text: str, *, field: str) -> str:
    """One address, checked; a domain of other letters in its ASCII form. Raises InvalidInput at `field`."""
    try:
        local, _, domain = values.email_address(text).rpartition("@")
        return f"{local.encode('ascii').decode()}@{values.ascii_domain(domain)}"
    except UnicodeError:
        raise InvalidInput({field: "Before the @ only plain letters, digits and signs can be delivered."}) from None
    except ValueError:
        raise InvalidInput({field: f"{text[:80]!r}: {NO_ADDRESS}" if text.isprintable() else NO_ADDRESS}) from None
