"""A mail that the sandbox received, and its reading."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import cached_property


def now() -> str:
    """This moment in UTC, as written in the store and on the pages."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass
class Mail:
    """One accepted mail: envelope, bytes, the door it came through, and who was signed in there."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    door: str
    signed_in: str = ""
    received_at: str = field(default_factory=now)
    number: int = 0

    @cached_property
    def message(self) -> EmailMessage:
        """The parsed message."""
        return email.message_from_bytes(self.content, policy=email.policy.default)

    @property
    def subject(self) -> str:
        """The Subject header, decoded; empty when there is none."""
        return str(self.message["Subject"] or "")

    @property
    def from_header(self) -> str:
        """The From header, decoded."""
        return str(self.message["From"] or "")

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Every header line as it arrived, unfolded."""
        return [(name, " ".join(str(value).split())) for name, value in self.message.raw_items()]

    @property
    def text(self) -> str:
        """The plain text body; empty when there is none."""
        return self._body("plain")

    @property
    def html(self) -> str:
        """The HTML body; empty when there is none."""
        return self._body("html")

    @property
    def attachments(self) -> list[tuple[str, str, int]]:
        """Name, content type and size in bytes of each attachment."""
        return [
            (part.get_filename() or "", part.get_content_type(), len(part.get_payload(decode=True) or b""))
            for part in self.message.iter_attachments()
        ]

    def _body(self, subtype: str) -> str:
        part = self.message.get_body(preferencelist=(subtype,))
        if part is None:
            return ""
        payload = part.get_payload(decode=True)
        charset = part.get_content_charset() or "utf-8"
        return payload.decode(charset, "replace") if isinstance(payload, bytes) else str(payload)
