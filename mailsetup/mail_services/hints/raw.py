"""An error as somebody pasted it, from a log or a screen, made into one that can be explained."""

from __future__ import annotations

import re

from mailsetup.core.redact import scrub
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.hints import graph_answers

_NUMBER = re.compile(r"AADSTS(\d{3,8})|\"error_codes\"\s*:\s*\[\s*(\d{3,8})")
_OAUTH = re.compile(r"\b(invalid_\w+|unauthorized_client|\w+_required|access_denied|temporarily_unavailable)\b")
_SMTP = re.compile(r"(?<![\d.])([245]\d\d)[\s,'\"b-]{1,6}([245]\.\d{1,3}\.\d{1,3})?")
_GRAPH = sorted({code for rule in graph_answers.RULES for code in rule.codes}, key=len, reverse=True)
_NETWORK = (
    ("tls", "not_yet_valid", r"not yet valid"),
    ("tls", "expired", r"certificate has expired"),
    ("tls", "wrong_name", r"hostname mismatch|doesn't match|not valid for '"),
    ("tls", "self_signed", r"self[- ]signed certificate$|self[- ]signed certificate \("),
    ("tls", "unknown_issuer", r"unable to get (local )?issuer|self[- ]signed certificate in|unknown ca"),
    ("tls", "wrong_version", r"wrong.version.number|record.layer.failure"),
    ("tls", "old_protocol", r"unsupported.protocol|protocol.version"),
    ("dns", "no_such_name", r"name or service not known|nxdomain|getaddrinfo failed|nodename nor servname|ENOTFOUND"),
    ("dns", "lookup_failed", r"temporary failure in name resolution|EAI_AGAIN"),
    ("tcp", "refused", r"connection refused|ECONNREFUSED"),
    ("tcp", "timeout", r"timed? ?out|ETIMEDOUT"),
    ("tcp", "unreachable", r"unreachable"),
    ("tcp", "closed", r"connection reset|unexpectedly closed|ECONNRESET"),
)


def read_raw(text: str) -> TransportError:
    """The error that the text seems to be about; of channel `raw` when it says nothing we know."""
    quote = scrub(text)
    channel, code = _sign_in(text) or _graph(text) or _smtp(text) or _network(text) or ("raw", "")
    return TransportError(quote, channel=channel, code=code)


def _sign_in(text: str) -> tuple[str, str] | None:
    number = _NUMBER.search(text)
    word = _OAUTH.search(text)
    if number is None and word is None:
        return None
    found = f"AADSTS{number[1] or number[2]}" if number else ""
    return "entra_token", f"{word[1] if word else 'error'} {found}".strip()


def _graph(text: str) -> tuple[str, str] | None:
    code = next((code for code in _GRAPH if re.search(rf"\b{re.escape(code)}\b", text)), None)
    return ("graph", code) if code else None


def _smtp(text: str) -> tuple[str, str] | None:
    found = _SMTP.search(text)
    return ("smtp_reply", f"{found[1]} {found[2] or ''}".strip()) if found else None


def _network(text: str) -> tuple[str, str] | None:
    return next(((channel, code) for channel, code, sign in _NETWORK if re.search(sign, text, re.IGNORECASE)), None)
