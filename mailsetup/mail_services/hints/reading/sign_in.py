"""Reads what Microsoft's sign-in service said: JSON, the query of a redirect, its error page, an exception of MSAL."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailsetup.mail_services.hints.catalogue import SIGN_IN_CHANNELS
from mailsetup.mail_services.hints.reading.pasted import Pasted
from mailsetup.mail_services.hints.reading.readings import Reading, reading
from mailsetup.mail_services.hints.reading.sayings import ANYWHERE, ON_ITS_PAGES
from mailsetup.mail_services.hints.sign_in_rules import RULES

_NUMBER = re.compile(r"AADSTS\s{0,3}[:#-]?\s{0,3}(\d{4,8})", re.IGNORECASE)
_LISTED = re.compile(r"error_?codes\W{1,6}([\d,\s]{4,60})", re.IGNORECASE)
_LINKED = re.compile(r"/error\?code=(\d{4,8})")
_BARE = re.compile(r"(?<![\w.-])(\d{5,7})(?![\w-]|\.\d)")
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_NAMED = re.compile(r"""(?<![\w.])["']?(error|suberror|error_subcode)["']?\s{0,3}[:=]\s{0,3}["']?([A-Za-z_]{4,40})""")
_GRANTED = re.compile(
    r"(?<!\w)(?:code=[\w.!*-]{20,}|[\"']?access_token[\"']?\s?[:=]|admin_consent=true)", re.IGNORECASE
)
_WORD = re.compile(r"[a-z]{2,16}_[a-z_]{2,24}")
_CORRELATION = re.compile(r"(correlation|trace)[ _]?id\W{1,6}([0-9a-f-]{36})", re.IGNORECASE)
# A page of Microsoft names its number without a word before it that would tell; these stand beside it.
_MARKS = (
    "microsoftonline",
    "correlation id",
    "korrelations-id",
    "request id",
    "anforderungs-id",
    "troubleshooting details",
)
_KNOWN = {code for rule in RULES for code in rule.codes}
_OURS = {
    "tenant_mismatch",
    "state_mismatch",
    "account_missing",
    "unreadable_answer",
    "authority_unknown",
    "clock",
    "no_error",
}
_WORDS = {code for code in _KNOWN if not code.startswith("AADSTS")} - _OURS
_SUBERRORS = {suberror for rule in RULES for suberror in rule.suberrors}


def read(pasted: Pasted, channel: str) -> Iterator[Reading]:
    """The one error of the sign-in service that the answer names, if it names one."""
    ours = channel in SIGN_IN_CHANNELS
    text = pasted.text
    numbers = _numbers(text, ours=ours)
    error, suberror = _named(text)
    error = error or _word(text, ours=ours, numbers=numbers)
    saying = _saying(pasted.lower, ours=ours) if not numbers and not error else ""
    if ours and not (numbers or error or suberror or saying) and _GRANTED.search(text):
        saying = "no_error"
    if not (numbers or error or suberror or saying):
        return
    code = " ".join([saying or error or "error", *(f"AADSTS{number}" for number in numbers)])
    ids = {f"{name.lower()}_id": value for name, value in _CORRELATION.findall(text)}
    yield reading(channel if ours else "entra_token", code, text, suberror=suberror, **ids)


def _numbers(text: str, *, ours: bool) -> list[str]:
    """The numbers after AADSTS, else those in lists and links, else known ones that stand alone."""
    found = _NUMBER.findall(text) or [
        number for listed in _LISTED.findall(text) for number in re.findall(r"\d{4,8}", listed)
    ]
    found = found or _LINKED.findall(text)
    if not found and (ours or any(mark in text.lower() for mark in _MARKS)):
        found = [number for number in _BARE.findall(_ID.sub(" ", text)) if f"AADSTS{number}" in _KNOWN]
    return list(dict.fromkeys(found))[:5]


def _named(text: str) -> tuple[str, str]:
    """The values of `error` and `suberror`, whatever they are written in."""
    values: dict[str, str] = {}
    for name, value in _NAMED.findall(text):
        known = _WORDS if name == "error" else _SUBERRORS
        if value.lower() in known:
            values.setdefault(name, value.lower())
    return values.get("error", ""), values.get("suberror", "")


def _word(text: str, *, ours: bool, numbers: list[str]) -> str:
    """An OAuth error that stands in a sentence or before a colon."""
    if not (ours or numbers or "oauth" in text.lower() or "msal" in text.lower()):
        return ""
    return next((word for word in _WORD.findall(text.lower()) if word in _WORDS), "")


def _saying(lower: str, *, ours: bool) -> str:
    sayings = (*ANYWHERE, *ON_ITS_PAGES) if ours else ANYWHERE
    return next((code for code, phrases in sayings if any(phrase in lower for phrase in phrases)), "")
