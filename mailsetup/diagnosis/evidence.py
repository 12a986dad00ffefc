"""What a stage found out, as one plain line, with dates as the person writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from mailsetup.web.filters import show_clock, show_date

Facts = Mapping[str, Any]
SHOWN_ADDRESSES = 3
_AUDIENCES = {
    "00000003-0000-0000-c000-000000000000": "Microsoft Graph",
    "00000002-0000-0ff1-ce00-000000000000": "Exchange Online",
}


def line_of(stage: str, facts: Facts) -> str:
    """The evidence of a stage that passed; empty where there is nothing to tell."""
    teller = _TELLERS.get(stage)
    told = teller(facts) if teller else []
    return " · ".join(part for part in told if part)


def _token(facts: Facts) -> list[str]:
    ends = _moment(facts.get("expires_at"))
    return [
        f"For {_audience(str(facts['audience']))}" if facts.get("audience") else "",
        f"in directory {facts['tenant']}" if facts.get("tenant") else "",
        _allowed(facts),
        f"holds until {show_clock(ends)}" if ends else "",
    ]


def _allowed(facts: Facts) -> str:
    """What the token allows; one that cannot be read says nothing of it."""
    granted = ", ".join(str(facts.get("permissions", "")).split())
    return f"allows {granted}" if granted else "allows nothing" if facts.get("audience") else ""


def _audience(audience: str) -> str:
    known = _AUDIENCES.get(audience.lower().rstrip("/"))
    if known:
        return known
    return "Exchange Online" if "outlook" in audience else "Microsoft Graph" if "graph" in audience else audience


def _resolve(facts: Facts) -> list[str]:
    found = [address for address in str(facts.get("addresses", "")).split(", ") if address]
    more = len(found) - SHOWN_ADDRESSES
    return [", ".join(found[:SHOWN_ADDRESSES]) + (f" and {more} more" if more > 0 else "")]


def _connect(facts: Facts) -> list[str]:
    return [f"Port {facts['port']}" if facts.get("port") else "", str(facts.get("greeting", ""))[:100]]


def _tls(facts: Facts) -> list[str]:
    version, ends = str(facts.get("version", "")), _moment(facts.get("certificate_until"))
    days = facts.get("days_left")
    left = f", {days} day{'' if days == 1 else 's'} left" if isinstance(days, int) else ""
    return [
        version.replace("TLSv", "TLS "),
        f"certificate from {facts['issuer']}" if facts.get("issuer") else "",
        f"holds until {show_date(ends)}{left}" if ends else "",
    ]


def _authenticate(facts: Facts) -> list[str]:
    who = facts.get("username") or facts.get("mailbox")
    return [f"As {who}" if who else "", "the permission allows sending" if facts.get("may_send") else ""]


def _sender(facts: Facts) -> list[str]:
    mailbox = facts.get("send_as_needed")
    return [
        str(facts.get("sender", "")),
        "an alias, which Exchange accepts, replaces or refuses only once it has the mail" if facts.get("alias") else "",
        f"{mailbox} needs Send As rights for it, which Microsoft checks when a mail is handed over" if mailbox else "",
    ]


def _recipient(facts: Facts) -> list[str]:
    taken, refused = facts.get("taken"), facts.get("refused")
    if taken is None:
        return []
    return [f"{taken} taken", f"{refused} refused" if refused else ""]


def _accept(facts: Facts) -> list[str]:
    return [f"The service calls it {facts['service_id']}" if facts.get("service_id") else ""]


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None


_TELLERS: Mapping[str, Callable[[Facts], list[str]]] = {
    "token": _token,
    "resolve": _resolve,
    "connect": _connect,
    "tls": _tls,
    "authenticate": _authenticate,
    "sender": _sender,
    "recipient": _recipient,
    "accept": _accept,
}
