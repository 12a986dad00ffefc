"""From the fields of a request to a mail: every fault is named by its field, nothing is guessed."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

from mailsetup.core.errors import InvalidInput
from mailsetup.mail_services import values
from mailsetup.outbox import contents, header_types, headers
from mailsetup.outbox.freeze import POLICY, RECIPIENT_LIMIT, SIZE_LIMIT, TOO_LARGE

FIELDS = ("to", "cc", "bcc", "from", "reply_to", "subject", "text", "html", "headers", "attachments")
ATTACHMENT_LIMIT = 100
OURS = {"date", "mime-version", "return-path", "received", "sender", "subject", "reply-to", "dkim-signature"}
_CONTENT_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,80}", re.ASCII)
_NAMED = re.compile(r"(?P<name>.*?)<(?P<address>[^<>]*)>", re.DOTALL)


def compose(fields: Mapping[str, Any]) -> EmailMessage:
    """The mail that these fields describe. Raises InvalidInput with a sentence for each wrong field."""
    work = _Work(fields)
    for name, header in (("to", "To"), ("cc", "Cc"), ("bcc", "Bcc"), ("reply_to", "Reply-To"), ("from", "From")):
        work.addresses(name, header)
    work.recipients()
    work.subject()
    work.extra_headers()
    work.bodies()
    work.attachments()
    if work.wrong:
        raise InvalidInput(work.wrong)
    return work.mail


class _Work:
    """A mail being put together, and what is wrong with the fields so far."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields
        self.mail = EmailMessage(policy=POLICY)
        self.wrong: dict[str, str] = {}

    def addresses(self, name: str, header: str) -> None:
        """One address, or a list of them, as one header."""
        given = self.fields.get(name)
        if given in (None, "", []):
            return
        listed = given if isinstance(given, list) else [given]
        limit = 1 if name == "from" else RECIPIENT_LIMIT
        if len(listed) > limit:
            self.wrong[name] = f"At most {limit} address{'' if limit == 1 else 'es'} may be given here."
            return
        found = [
            self._address(f"{name}[{at}]" if isinstance(given, list) else name, one) for at, one in enumerate(listed)
        ]
        if found and None not in found:
            self.mail[header] = [address for address in found if address]

    def recipients(self) -> None:
        """Somebody has to get the mail."""
        if not any(self.fields.get(name) for name in headers.RECIPIENT_HEADERS):
            self.wrong.setdefault("to", headers.NO_RECIPIENT)

    def _address(self, field: str, given: Any) -> Address | None:
        try:
            name, address = _parts(given)
            values.one_line(name)
            return header_types.address(name, headers.plain_address(address, field=field))
        except InvalidInput as error:
            self.wrong[field] = error.fields[field]
        except (TypeError, ValueError, HeaderParseError) as error:
            self.wrong[field] = str(error) if str(error) == values.LINE_BREAKS else headers.NO_ADDRESS
        return None

    def subject(self) -> None:
        """The subject, one line."""
        subject = self._text("subject", headers.SUBJECT_LIMIT)
        try:
            self.mail["Subject"] = values.one_line(subject)
        except ValueError as error:
            self.wrong["subject"] = str(error)

    def _text(self, name: str, limit: int) -> str:
        value = self.fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.wrong[name] = "This must be a text."
            return ""
        if "\x00" in value:
            self.wrong[name] = "This holds a NUL character."
            return ""
        if len(value) > limit:
            self.wrong[name] = TOO_LARGE if limit == SIZE_LIMIT else f"This is too long: at most {limit} characters."
            return ""
        return value

    def extra_headers(self) -> None:
        """Headers of the caller's own, without those that we or the fields set."""
        given = self.fields.get("headers") or {}
        if not isinstance(given, dict):
            self.wrong["headers"] = "Give an object of header names and texts."
            return
        for name, value in given.items():
            fault = self._add_header(str(name), value)
            if fault:
                self.wrong[f"headers.{str(name)[:60]}"] = fault

    def _add_header(self, name: str, value: Any) -> str:
        lower = name.lower()
        if lower in OURS or lower in headers.ADDRESS_HEADERS or lower.startswith(("content-", "resent-")):
            return "This header is set from the other fields or by us."
        if not isinstance(value, str):
            return "A header's value must be a text."
        try:
            self.mail[name] = values.one_line(value)
        except (ValueError, TypeError, HeaderParseError) as error:
            return values.LINE_BREAKS if str(error) == values.LINE_BREAKS else "This cannot be a mail header."
        return ""

    def bodies(self) -> None:
        """The text, the HTML, or both."""
        text, html = self._text("text", SIZE_LIMIT), self._text("html", SIZE_LIMIT)
        if not text and not html and not self.wrong.keys() & {"text", "html"}:
            self.wrong["text"] = "Give a text, HTML, or both."
        try:
            contents.put_text(self.mail, text or html, subtype="html" if html and not text else "plain")
            if html and text:
                part = EmailMessage(policy=POLICY)
                contents.put_text(part, html, subtype="html")
                self.mail.make_alternative(contents.boundary())
                self.mail.attach(part)
        except UnicodeError:
            self.wrong["text"] = "This holds characters that are no Unicode text."

    def attachments(self) -> None:
        """Files, and images that the HTML shows."""
        given = self.fields.get("attachments") or []
        if not isinstance(given, list) or len(given) > ATTACHMENT_LIMIT:
            self.wrong["attachments"] = f"Give a list of at most {ATTACHMENT_LIMIT} attachments."
            return
        if sum(len(str(one.get("content_base64", ""))) for one in given if isinstance(one, dict)) > SIZE_LIMIT:
            self.wrong["attachments"] = TOO_LARGE
            return
        for at, one in enumerate(given):
            self._attach(f"attachments[{at}]", one)

    def _attach(self, field: str, given: Any) -> None:
        if not isinstance(given, dict) or not all(isinstance(value, str | None) for value in given.values()):
            self.wrong[field] = "Give an object with filename, content_type and content_base64, all texts."
            return
        wrong = {f"{field}.{name}": fault for name, fault in _attachment_faults(given).items()}
        if wrong:
            self.wrong.update(wrong)
            return
        part, content_id = EmailMessage(policy=POLICY), given.get("content_id")
        content_type = given.get("content_type") or "application/octet-stream"
        contents.put_bytes(part, base64.b64decode(given["content_base64"], validate=True), content_type=content_type)
        part["Content-Disposition"] = "inline" if content_id else "attachment"
        part.set_param("filename", given["filename"], header="Content-Disposition", replace=True)
        if content_id:
            part["Content-ID"] = f"<{content_id.strip('<>')}>"
        contents.attach(self.mail, part)


def _parts(given: Any) -> tuple[str, str]:
    """Name and address out of "Name <address>", "address" or {"name": .., "address": ..}."""
    if isinstance(given, dict):
        name, address = given.get("name") or "", given.get("address")
        if set(given) - {"name", "address"} or not isinstance(name, str) or not isinstance(address, str):
            raise TypeError
        return name.strip(), address.strip()
    if not isinstance(given, str):
        raise TypeError
    values.one_line(given)
    named = _NAMED.fullmatch(given.strip())
    return (named["name"].strip().strip('"'), named["address"].strip()) if named else ("", given.strip())


def _attachment_faults(given: Mapping[str, str | None]) -> dict[str, str]:
    faults = {}
    unknown = set(given) - {"filename", "content_type", "content_base64", "content_id"}
    if unknown:
        faults[sorted(unknown)[0][:60]] = "There is no such field."
    for name in ("filename", "content_id"):
        try:
            values.one_line(given.get(name) or "")
        except ValueError as error:
            faults[name] = str(error)
    if not given.get("filename") or len(given["filename"] or "") > 255:
        faults.setdefault("filename", "Give the file's name, at most 255 characters.")
    if re.search(r"[<>\s]", (given.get("content_id") or "").strip("<>")):
        faults.setdefault("content_id", "A content id has no blanks or angle brackets inside.")
    content_type = given.get("content_type")
    if content_type and (
        not _CONTENT_TYPE.fullmatch(content_type) or content_type.startswith(("multipart/", "message/"))
    ):
        faults["content_type"] = "Give a type such as application/pdf."
    try:
        base64.b64decode(given.get("content_base64") or "-", validate=True)
    except (binascii.Error, ValueError):
        faults["content_base64"] = "This is not base64."
    return faults
