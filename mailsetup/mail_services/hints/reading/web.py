"""Reads web pages and bare HTTP answers: a proxy's, a filter's, a gateway's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailsetup.mail_services.hints.catalogue import SIGN_IN_CHANNELS
from mailsetup.mail_services.hints.reading.pasted import Pasted
from mailsetup.mail_services.hints.reading.readings import Reading, reading

_STATUS = re.compile(
    r"HTTP/[\d.]{1,3}\s+([1-5]\d\d)\b"
    r"|(?:^|\b)(?:HTTP\s{0,2}(?:Error|Status|code)?|status(?:[ _]?code)?)\W{1,4}([1-5]\d\d)\b"
    r"|\b([45]\d\d)\s+(?:Client|Server)\s+Error\b"
    r"|^[ \t]{0,8}(?:Error\s+)?([45]\d\d)\W{0,3}(?:Bad|Unauthorized|Forbidden|Not Found|Proxy|Request|Too Many|"
    r"Internal|Service|Gateway|Temporarily)",
    re.IGNORECASE | re.MULTILINE,
)
_PROXY_LOGIN = ("407 proxy", "proxy authentication required", "proxyauthenticationrequired", "cache access denied")
_PROXY_FAILED = (
    "cannot connect to proxy",
    "tunnel connection failed",
    "unable to connect to proxy",
    "proxyerror",
    "from proxy after connect",
    "proxy connect aborted",
    "socks",
)
_PROXY_PAGE = (
    "squid",
    "zscaler",
    "blue coat",
    "bluecoat",
    "forcepoint",
    "fortiguard",
    "fortigate",
    "umbrella",
    "websense",
    "netskope",
    "palo alto",
    "sophos",
    "barracuda",
    "mcafee web gateway",
    "web gateway",
    "web filter",
    "webfilter",
    "proxy",
    "firewall",
    "captive",
    "hotspot",
    "terms of use",
    "accept the terms",
    "network login",
    "network access",
    "log in to the network",
    "sign in to the network",
    "sign in to network",
    "guest wi-fi",
    "wlan",
    "wi-fi",
    "wifi",
    "blocked by your",
    "blocked by the",
    "has been blocked",
    "internet usage policy",
    "security policy",
    "your organization's policy",
)
_FAULT = (
    "502 bad gateway",
    "503 service",
    "504 gateway",
    "500 internal server error",
    "service unavailable",
    "temporarily unavailable",
    "services aren't available right now",
    "bad gateway",
    "gateway timeout",
    "gateway time-out",
    "internal server error",
    "under maintenance",
    "upstream connect error",
    "upstream request timeout",
)
_TOO_LARGE = ("413 request entity too large", "413 payload too large", "request entity too large")


def status_in(pasted: Pasted) -> int | None:
    """The HTTP status that the text names."""
    found = _STATUS.search(pasted.text[:4000])
    return int(next(part for part in found.groups() if part)) if found else None


def read(pasted: Pasted, channel: str) -> Iterator[Reading]:
    """A proxy's refusal, a page that stands in between, or a service's own page about its fault."""
    lower, text = pasted.lower[:8000], pasted.text
    if _says(lower, _PROXY_LOGIN):
        yield reading("http", "proxy_login", text)
    elif _says(lower, _PROXY_FAILED):
        yield reading("http", "proxy", text)
    elif channel in {"smtp_reply", "smtp_exception"} and lower.startswith("http/"):
        yield reading("smtp_exception", "bad_reply", text)
    elif pasted.is_page or ((channel == "http" or lower.startswith("http/")) and _says(lower, _FAULT)):
        yield from _page(lower, text, channel)


def is_of_a_proxy(text: str) -> bool:
    """Whether a page of a proxy, a filter or a network answered in place of the service."""
    return any(found.error.code == "proxy_page" for found in read(Pasted(text), "http"))


def _page(lower: str, text: str, channel: str) -> Iterator[Reading]:
    if channel == "graph" and _says(lower, _TOO_LARGE):
        yield reading("graph", "RequestBodyTooLarge", text)
    elif _says(lower, _PROXY_PAGE) and not _says(lower, _FAULT):
        yield reading("http", "proxy_page", text)
    elif _says(lower, _FAULT):
        yield reading(*_fault_of(channel), text)
    elif channel in {"graph", "http", *SIGN_IN_CHANNELS, ""}:
        yield reading("http", "web_page", text)


def _fault_of(channel: str) -> tuple[str, str]:
    if channel in SIGN_IN_CHANNELS:
        return channel, "temporarily_unavailable"
    return ("graph", "ServiceUnavailable") if channel == "graph" else ("http", "server_fault")


def _says(lower: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase in lower for phrase in phrases)
