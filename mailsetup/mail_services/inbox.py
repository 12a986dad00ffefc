"""Reads a test mail back out of the recipient's mailbox, and what the receiving server made of it.

learn.microsoft.com/graph/api/user-list-messages; Authentication-Results: RFC 8601.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from mailsetup.mail_services.base import Arrival, Report, Token
from mailsetup.mail_services.graph import refusal
from mailsetup.mail_services.http_lane import HttpLane

READING = frozenset({"Mail.Read", "Mail.ReadWrite", "Mail.ReadBasic", "Mail.ReadBasic.All"})
FOLDERS = ("inbox", "junkemail")
CHECKS = ("spf", "dkim", "dmarc")
_VERDICT = re.compile(r"\b(spf|dkim|dmarc)\s*=\s*([a-z]+)", re.IGNORECASE)


def find(lane: HttpLane, mailbox: str, message_id: str, token: Token) -> Arrival | None:
    """The mail with this Message-ID, in the inbox or among junk (not the copy in Sent Items); None while it is
    not there. Raises TransportError."""
    for folder in FOLDERS:
        if not lane.ready:
            lane.open(Report())
        found = _listed(lane, f"{mailbox}/mailFolders/{folder}/messages", message_id, token)
        if found is not None:
            return _arrival(found, folder)
    return None


def _listed(lane: HttpLane, path: str, message_id: str, token: Token) -> Mapping[str, Any] | None:
    literal = message_id.replace("'", "''")
    wanted = quote(f"internetMessageId eq '{literal}'")
    query = f"$filter={wanted}&$select=receivedDateTime,internetMessageHeaders&$top=1"
    headers = {"Authorization": f"Bearer {token.value.reveal()}", "Accept": "application/json"}
    answer = lane.get(f"{path}?{query}", headers)
    if answer.status != 200:
        raise refusal(lane.server, answer, "", secrets=(token.value,))
    found = answer.json().get("value")
    first = found[0] if isinstance(found, list) and found else None
    return first if isinstance(first, Mapping) else None


def _arrival(message: Mapping[str, Any], folder: str) -> Arrival:
    headers = message.get("internetMessageHeaders")
    return Arrival(
        received_at=str(message.get("receivedDateTime", ""))[:40],
        verdicts=verdicts(headers if isinstance(headers, list) else ()),
        folder=folder,
    )


def verdicts(headers: Iterable[Any]) -> dict[str, str]:
    """What the newest Authentication-Results header says of SPF, DKIM and DMARC."""
    for header in headers:
        if isinstance(header, Mapping) and str(header.get("name", "")).lower() == "authentication-results":
            said = _VERDICT.findall(str(header.get("value", ""))[:4000])
            return {name.lower(): verdict.lower()[:20] for name, verdict in reversed(said)}
    return {}
