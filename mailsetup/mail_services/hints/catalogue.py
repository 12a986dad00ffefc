"""The shape of the catalogue: causes in plain words, and rules that lead an error to its cause."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mailsetup.mail_services.errors import Scope, TransportError

WhoActs = Literal["workspace_admin", "microsoft_admin", "mailbox_user", "operator", "nobody_wait"]
Confidence = Literal["high", "medium", "low"]
SMTP_CHANNELS = ("smtp_reply",)
SIGN_IN_CHANNELS = ("entra_token", "entra_authorize")


@dataclass(frozen=True)
class Cause:
    """Why mail does not flow. Texts hold `{placeholders}` of `words.py`.

    `permanent`: it does not go away by itself. `scope`: the message is at fault, or the mail service.
    """

    slug: str
    title: str
    explanation: str
    steps: tuple[str, ...]
    who_acts: WhoActs
    permanent: bool = True
    scope: Scope = "backend"
    confidence: Confidence = "high"


@dataclass(frozen=True)
class Rule:
    """One way to recognise a cause; everything that is stated must hold.

    `codes` are words of the error's code (`invalid_client`, `AADSTS50011`, `ErrorAccessDenied`, `expired`);
    `smtp` are beginnings of `535 5.7.139`; `text` is searched in the service's own words; `hosts` are
    ends of the server's name; `ports`, `tls` and `logins` are what was used to get there.
    """

    cause: str
    channels: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    suberrors: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    smtp: tuple[str, ...] = ()
    text: str = ""
    stages: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    tls: tuple[str, ...] = ()
    logins: tuple[str, ...] = ()

    def matches(self, error: TransportError, context: Mapping[str, Any]) -> bool:
        """Whether all that the rule states is true of the error."""
        return self._matches_answer(error) and self._matches_server(context)

    def _matches_answer(self, error: TransportError) -> bool:
        words = error.code.split()
        return (
            (not self.channels or error.channel in self.channels)
            and (not self.stages or error.stage in self.stages)
            and (not self.statuses or error.http_status in self.statuses)
            and (not self.codes or any(code in words for code in self.codes))
            and (not self.suberrors or error.context.get("suberror") in self.suberrors)
            and (not self.smtp or any(_begins(error.code, start) for start in self.smtp))
            and (not self.text or re.search(self.text, error.raw, re.IGNORECASE) is not None)
        )

    def _matches_server(self, context: Mapping[str, Any]) -> bool:
        host = str(context.get("host", "")).lower()
        return (
            (not self.hosts or any(host == end or host.endswith("." + end) for end in self.hosts))
            and (not self.ports or str(context.get("port", "")) in {str(port) for port in self.ports})
            and (not self.tls or context.get("tls") in self.tls)
            and (not self.logins or context.get("login") in self.logins)
        )


def _begins(code: str, start: str) -> bool:
    """`5` begins 535; `535 5.7` begins `535 5.7.139`; `5.7.8` is the enhanced part of `535 5.7.8`."""
    basic, _, enhanced = code.partition(" ")
    if start.isdigit():
        return basic.startswith(start)
    if " " in start:
        return code == start or code.startswith(start + ".")
    return enhanced == start or enhanced.startswith(start + ".")


def aadsts(cause: str, *numbers: int) -> Rule:
    """The rule for numbers of Microsoft's sign-in service, whichever way they reach us."""
    return Rule(cause, SIGN_IN_CHANNELS, codes=tuple(f"AADSTS{number}" for number in numbers))


def graph(cause: str, *codes: str, **more: Any) -> Rule:
    """The rule for error codes of Microsoft Graph."""
    return Rule(cause, ("graph",), codes=codes, **more)


def smtp(cause: str, *starts: str, **more: Any) -> Rule:
    """The rule for SMTP replies."""
    return Rule(cause, SMTP_CHANNELS, smtp=starts, **more)
