"""What can be found out about a domain from outside, in bounded time: who takes its mail, and where."""

from __future__ import annotations

import json
import queue
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from mailsetup.core.errors import EgressError, ResolutionFailed
from mailsetup.mail_services.base import Platform

SECONDS = 4.0
_TENANT = re.compile(r"/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|$)")
_INCLUDE = re.compile(r"\b(?:include:|redirect=)([\w.-]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Server:
    """A server that a domain names for programs that send (RFC 6186)."""

    host: str
    port: int
    tls: str


@dataclass(frozen=True)
class Facts:
    """What was found; None where nobody answered in time, empty where there is nothing.

    `tenant` is the id of the domain's Microsoft directory.
    """

    domain: str
    mx: tuple[str, ...] | None = None
    includes: frozenset[str] | None = None
    autodiscover: str | None = None
    submission: Server | None = None
    tenant: str | None = None


def gather(domain: str, platform: Platform, seconds: float = SECONDS) -> Facts:
    """Asks everything at the same time and takes what has come when the time is over; never raises."""
    names = platform.door.names(seconds)
    found = _in_time(
        {
            "mx": lambda: mail_exchangers(names.records(domain, "MX")),
            "includes": lambda: _includes(names.records(domain, "TXT")),
            "autodiscover": lambda: next(iter(names.records(f"autodiscover.{domain}", "CNAME")), "").lower(),
            "submission": lambda: _submission(domain, names.records),
            "tenant": lambda: _tenant(domain, platform),
        },
        seconds,
    )
    return Facts(domain, **found)


def mail_exchangers(records: list[str]) -> tuple[str, ...]:
    """The names of the servers that receive, the preferred first; `.` for a domain that takes no mail (RFC 7505)."""
    parts = [record.split() for record in records]
    pairs = sorted((int(part[0]), part[1] if len(part) > 1 else ".") for part in parts if part and part[0].isdigit())
    return tuple(name.lower() for _, name in pairs)


def _includes(records: list[str]) -> frozenset[str]:
    spf = [record for record in records if record.lower().startswith("v=spf1")]
    return frozenset(name.lower() for record in spf for name in _INCLUDE.findall(record))


def _submission(domain: str, records: Callable[[str, str], list[str]]) -> Server | None:
    for service, tls in (("_submissions._tcp", "implicit"), ("_submission._tcp", "starttls")):
        for record in records(f"{service}.{domain}", "SRV"):
            parts = record.split()
            if len(parts) == 4 and parts[2].isdigit() and parts[3] not in {"", "."}:
                return Server(parts[3].lower(), int(parts[2]), tls)
    return None


def _tenant(domain: str, platform: Platform) -> str:
    """The id of the directory, as its OpenID configuration tells everybody."""
    url = f"{platform.login_url.rstrip('/')}/{domain}/v2.0/.well-known/openid-configuration"
    answer = platform.door.msal_http_client().get(url)
    if answer.status_code != 200:
        return ""
    found = json.loads(answer.text)
    tenant = _TENANT.search(str(found.get("issuer", "")) if isinstance(found, dict) else "")
    return tenant[1] if tenant else ""


def _in_time(questions: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, Any]:
    answers: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    for name, ask in questions.items():
        threading.Thread(target=_ask, args=(name, ask, answers), daemon=True, name="discovery").start()
    found: dict[str, Any] = {}
    end = time.monotonic() + seconds
    for _ in questions:
        try:
            name, answer = answers.get(timeout=max(end - time.monotonic(), 0.001))
        except queue.Empty:
            break
        found[name] = answer
    return found


def _ask(name: str, ask: Callable[[], Any], answers: queue.SimpleQueue[tuple[str, Any]]) -> None:
    try:
        answers.put((name, ask()))
    except (ResolutionFailed, EgressError, requests.RequestException, ValueError):
        answers.put((name, None))
