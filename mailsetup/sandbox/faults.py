"""What one error of the cloud looks like on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Aadsts:
    """An error of the sign-in service: number, OAuth error, HTTP status, and Microsoft's sentence.

    `places` says where it is seen: `token` (or `token:code`, `token:refresh`, `token:client` for one
    grant), `callback` (the browser is sent back with it), `page` (Microsoft shows it and does not send
    the browser back), `discovery`.
    """

    number: int
    error: str
    text: str
    places: str = "token"
    status: int = 400
    suberror: str = ""
    claims: bool = False

    @property
    def name(self) -> str:
        """How the switch is called."""
        return f"AADSTS{self.number}"

    @property
    def gist(self) -> str:
        """A line about it for the world page."""
        return self.text


@dataclass(frozen=True)
class GraphFault:
    """An error answer of Graph; `body` replaces the JSON (an HTML page of a gateway, or nothing)."""

    code: str
    status: int
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    body: str | None = None
    places: str = "send"
    accepted: bool = False

    @property
    def name(self) -> str:
        """How the switch is called."""
        return f"graph:{self.label or self.code}"

    @property
    def gist(self) -> str:
        """A line about it for the world page."""
        return f"{self.status} {self.message or self.code}"


@dataclass(frozen=True)
class SmtpFault:
    """A reply of an SMTP door; an empty reply drops the connection without a word.

    `places`: `connect`, `ehlo`, `starttls`, `auth` (or `auth:basic`, `auth:oauth`), `mail`, `rcpt`, `data`.
    `accepted` keeps the mail all the same: the sender cannot know.
    """

    label: str
    places: str
    reply: str
    family: str = "smtp"
    accepted: bool = False

    @property
    def name(self) -> str:
        """How the switch is called."""
        return f"{self.family}:{self.label}"

    @property
    def gist(self) -> str:
        """A line about it for the world page."""
        return self.reply or "The connection ends without a reply."


Fault = Aadsts | GraphFault | SmtpFault
