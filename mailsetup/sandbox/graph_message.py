"""A message as Graph takes it, in JSON or MIME, made into bytes and recipients.

https://learn.microsoft.com/graph/api/user-sendmail
"""

from __future__ import annotations

import base64
import binascii
import email
import email.policy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses, make_msgid, parseaddr
from typing import Any

MAX_HEADERS = 5
_BCC = re.compile(rb"^bcc:.*\n(?:[ \t].*\n)*", re.IGNORECASE | re.MULTILINE)


class MessageRefused(Exception):
    """The message is wrong; `code` is Graph's, the text its message."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Outgoing:
    """What is to be sent: the bytes without Bcc, everybody it goes to, and the From address ("" when none is given)."""

    content: bytes
    recipients: tuple[str, ...]
    from_address: str


def from_mime(body: bytes) -> Outgoing:
    """A MIME message in base64. Raises MessageRefused."""
    try:
        content = base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error as error:
        raise MessageRefused(
            "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content."
        ) from error
    message = email.message_from_bytes(content, policy=email.policy.compat32)
    if not message.keys():
        raise MessageRefused("ErrorMimeContentInvalid", "The MIME content is invalid.")
    texts = [str(value) for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])]
    recipients = tuple(dict.fromkeys(address for _, address in getaddresses(texts) if address))
    return Outgoing(_without_bcc(content), _checked(recipients), parseaddr(str(message.get("From", "")))[1])


def from_json(body: Mapping[str, Any], sender: str) -> Outgoing:
    """A message resource. Raises MessageRefused."""
    raw = body.get("message", body.get("Message"))
    if not isinstance(raw, Mapping):
        raise MessageRefused("ErrorInvalidRequest", "The request is invalid: the message is missing.")
    made = EmailMessage(policy=email.policy.SMTP)
    from_address = _address(raw.get("from") or {})
    made["From"] = from_address or sender
    made["Subject"] = str(raw.get("subject", ""))
    made["Date"] = format_datetime(datetime.now(UTC))
    made["Message-ID"] = make_msgid(domain="localhost")
    for header, member in (("To", "toRecipients"), ("Cc", "ccRecipients"), ("Reply-To", "replyTo")):
        _put_people(made, header, raw.get(member, []))
    _put_headers(made, raw.get("internetMessageHeaders", []))
    _put_body(made, raw.get("body", {}))
    for attachment in raw.get("attachments", []):
        _attach(made, attachment)
    members = ("toRecipients", "ccRecipients", "bccRecipients")
    everybody = tuple(dict.fromkeys(_address(each) for member in members for each in raw.get(member, [])))
    return Outgoing(made.as_bytes(), _checked(everybody), from_address)


def _checked(recipients: tuple[str, ...]) -> tuple[str, ...]:
    """At least one, and each with a mailbox name and a domain."""
    if not recipients or not all(each.count("@") == 1 and all(each.split("@")) for each in recipients):
        raise MessageRefused("ErrorInvalidRecipients", "At least one recipient isn't valid.")
    return recipients


def _without_bcc(content: bytes) -> bytes:
    """The very bytes that were sent, less the header lines that name hidden recipients."""
    head, end, body = content.partition(b"\r\n\r\n" if b"\r\n\r\n" in content else b"\n\n")
    return _BCC.sub(b"", head + b"\n").removesuffix(b"\n") + end + body


def _address(person: Mapping[str, Any]) -> str:
    return str(person.get("emailAddress", {}).get("address", "")).strip()


def _put_people(made: EmailMessage, header: str, people: Iterable[Mapping[str, Any]]) -> None:
    addresses = []
    for person in people:
        try:
            addresses.append(Address(str(person.get("emailAddress", {}).get("name", "")), addr_spec=_address(person)))
        except (ValueError, IndexError) as error:
            raise MessageRefused("ErrorInvalidRecipients", "At least one recipient isn't valid.") from error
    if addresses:
        made[header] = addresses


def _put_headers(made: EmailMessage, headers: list[Mapping[str, str]]) -> None:
    if len(headers) > MAX_HEADERS:
        raise MessageRefused(
            "InvalidInternetMessageHeaderCollection",
            "Maximum number of headers in one message should be less than or equal to 5.",
        )
    for header in headers:
        name = header.get("name", "")
        if not name.lower().startswith("x-"):
            text = f"The internet message header name '{name}' should start with 'x-' or 'X-'."
            raise MessageRefused("InvalidInternetMessageHeader", text)
        made[name] = header.get("value", "")


def _put_body(made: EmailMessage, body: Mapping[str, str]) -> None:
    subtype = "html" if str(body.get("contentType", "text")).lower() == "html" else "plain"
    made.set_content(str(body.get("content", "")), subtype=subtype)


def _attach(made: EmailMessage, attachment: Mapping[str, Any]) -> None:
    try:
        content = base64.b64decode(attachment.get("contentBytes", ""), validate=True)
    except binascii.Error as error:
        raise MessageRefused(
            "RequestBodyRead", "Cannot convert the literal to the expected type 'Edm.Binary'."
        ) from error
    maintype, _, subtype = str(attachment.get("contentType", "application/octet-stream")).partition("/")
    cid = attachment.get("contentId")
    made.add_attachment(
        content,
        maintype=maintype,
        subtype=subtype or "octet-stream",
        filename=str(attachment.get("name", "")),
        disposition="inline" if attachment.get("isInline") else "attachment",
        cid=f"<{cid}>" if cid else None,
    )
