"""The shape of the catalogue: causes in plain words, and rules that lead an error to its cause."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from mailsetup.mail_services.errors import Scope, TransportError

WhoActs = Literal["workspace_admin", "microsoft_admin", "mailbox_user", "operator", "nobody_wait"]
Confidence = Literal["high", "medium", "low"]
SMTP_CHANNELS = ("smtp_reply",)
SIGN_IN_CHANNELS = ("entra_token", "entra_authorize")
_CONTINUATION = re.compile(r"[\r\n] {0,4}(?:\d{3}[- ](?:#?\d\.\d{1,3}\.\d{1,3}\s)?)?")
_SPACES = re.compile(r"\s+")
# Typographic quotes, the no-break space and the en dash, as their plain forms.
_TYPOGRAPHY = str.maketrans("\u2018\u2019\u201c\u201d\u00a0\u2013", "''\"\" -")


@dataclass(frozen=True)
class Cause:
    """Why mail does not flow. Texts hold `{placeholders}` of `words.py`.

    `permanent`: trying again unchanged cannot help. `scope`: the message is at fault, or the mail service.
    `general`: true of many answers, so anything more specific in the same answer is better.
    """

    slug: str
    title: str
    explanation: str
    steps: tuple[str, ...]
    who_acts: WhoActs
    permanent: bool = True
    scope: Scope = "backend"
    confidence: Confidence = "high"
    general: bool = False


@dataclass(frozen=True)
class Evidence:
    """An error with all that is known of its surroundings, read once for all rules."""

    error: TransportError
    context: Mapping[str, Any]
    text: str = ""

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of the error's code."""
        return frozenset(self.error.code.split())

    @cached_property
    def said(self) -> str:
        """The service's own words, in lower case, on one line, without typography."""
        text = _CONTINUATION.sub(" ", self.text or self.error.raw).translate(_TYPOGRAPHY)
        return _SPACES.sub(" ", text).lower()

    @cached_property
    def own_address(self) -> bool:
        """Whether the From address is the very mailbox at Microsoft that mail goes through."""
        sender, mailbox = self.context.get("from_address"), self.context.get("mailbox") or self.context.get("username")
        # Without a token the user name in the settings need not be the login.
        return bool(sender and self.context.get("signs_in")) and str(sender).lower() == str(mailbox).lower()

    @cached_property
    def host(self) -> str:
        """The server's name."""
        return str(self.context.get("host") or "").lower().rstrip(".")

    @cached_property
    def port(self) -> str:
        """The server's port."""
        return str(self.context.get("port") or "")


@dataclass(frozen=True)
class Rule:
    """One way to recognise a cause; everything that is stated must hold.

    `codes` are words of the error's code (`invalid_client`, `AADSTS50011`, `ErrorAccessDenied`, `expired`);
    `smtp` are beginnings of `535 5.7.139`, or ranges such as `4.7.500-699`; `says` are phrases, in lower
    case, of which one is among the service's own words; `hosts` are ends of the server's name; `ports`,
    `tls` and `logins` are what was used to get there; `facts` are further values of the context;
    `own_address` is that the From address is the mailbox itself.
    """

    cause: str
    channels: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    suberrors: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    smtp: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    tls: tuple[str, ...] = ()
    logins: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    own_address: bool = False
    confidence: Confidence | None = None

    def matches(self, found: Evidence) -> bool:
        """Whether all that the rule states is true of the error."""
        return self._matches_error(found) and self._matches_server(found) and self._matches_words(found)

    def _matches_error(self, found: Evidence) -> bool:
        error = found.error
        return (
            (not self.channels or error.channel in self.channels)
            and (not self.stages or error.stage in self.stages)
            and (not self.statuses or error.http_status in self.statuses)
            and (not self.codes or not found.words.isdisjoint(self.codes))
            and (not self.suberrors or found.context.get("suberror") in self.suberrors)
            and (not self.smtp or any(_begins(error.code, start) for start in self.smtp))
        )

    def _matches_server(self, found: Evidence) -> bool:
        host = found.host
        return (
            (not self.hosts or any(host == end or host.endswith("." + end) for end in self.hosts))
            and (not self.ports or found.port in {str(port) for port in self.ports})
            and (not self.tls or str(found.context.get("tls") or "") in self.tls)
            and (not self.own_address or found.own_address)
            and (not self.logins or found.context.get("login") in self.logins)
            and all(found.context.get(name) == value for name, value in self.facts.items())
        )

    def _matches_words(self, found: Evidence) -> bool:
        return not self.says or any(phrase in found.said for phrase in self.says)


def _begins(code: str, start: str) -> bool:
    """`5` begins 535; `535 5.7` begins `535 5.7.139`; `5.7.8` is the enhanced part of `535 5.7.8`."""
    basic, _, enhanced = code.partition(" ")
    if start.isdigit():
        return basic.startswith(start)
    if "-" in start:
        return _within(enhanced, start)
    if " " in start:
        return code == start or code.startswith(start + ".")
    return enhanced == start or enhanced.startswith(start + ".")


def _within(enhanced: str, span: str) -> bool:
    """`4.7.500-699` holds `4.7.512`."""
    first, _, last = span.partition("-")
    place, _, lowest = first.rpartition(".")
    found, _, number = enhanced.rpartition(".")
    return found == place and int(lowest) <= int(number) <= int(last)


def aadsts(cause: str, *numbers: int, **more: Any) -> Rule:
    """The rule for numbers of Microsoft's sign-in service, whichever way they reach us."""
    return Rule(cause, SIGN_IN_CHANNELS, codes=tuple(f"AADSTS{number}" for number in numbers), **more)


def oauth(cause: str, *errors: str, **more: Any) -> Rule:
    """The rule for OAuth errors (RFC 6749 sections 4.1.2.1 and 5.2)."""
    return Rule(cause, SIGN_IN_CHANNELS, codes=errors, **more)


def graph(cause: str, *codes: str, **more: Any) -> Rule:
    """The rule for error codes of Microsoft Graph."""
    return Rule(cause, ("graph",), codes=codes, **more)


def smtp(cause: str, *starts: str, **more: Any) -> Rule:
    """The rule for SMTP replies."""
    return Rule(cause, SMTP_CHANNELS, smtp=starts, **more)
