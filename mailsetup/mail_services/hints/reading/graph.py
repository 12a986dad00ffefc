"""Reads what Microsoft Graph said: JSON with its inner errors, whole or cut, an exception of an SDK, a log line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailsetup.mail_services.hints.graph_answers import RULES
from mailsetup.mail_services.hints.reading.pasted import Pasted
from mailsetup.mail_services.hints.reading.readings import Reading, reading

_CODE = re.compile(r"""["']?\bcode["']?\s{0,3}[:=]\s{0,3}["']?([A-Za-z][\w.-]{2,80})""", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z_]{9,60}")
_KNOWN = {code.lower(): code for rule in RULES for code in rule.codes}
# Words that other services say as well: they count where Graph spoke, or where a code stands.
_COMMON = {
    "badrequest",
    "invalidrequest",
    "accessdenied",
    "serviceunavailable",
    "toomanyrequests",
    "unknownerror",
    "unauthenticated",
    "generalexception",
    "tokennotfound",
    "resourcenotfound",
    "forbidden",
    "answer_lost",
}
# Messages that are known when the code is missing.
_SAYINGS = (
    ("ErrorSendAsDenied", ("right to send mail on behalf",)),
    ("ErrorExceededMessageLimit", ("verdict is refusequota",)),
    ("ErrorMessageSubmissionBlocked", ("wascl useraction",)),
    ("MailboxNotEnabledForRESTAPI", ("soft-deleted, or is hosted on-premise", "rest api is not yet supported")),
    (
        "InvalidAuthenticationToken",
        ("compacttoken", "invalid audience", "access token has expired", "access token is empty"),
    ),
    ("InvalidAuthenticationToken", ("lifetime validation failed", "access token validation failure")),
    ("ApplicationThrottled", ("mailboxconcurrency limit", "over its requestrate limit", "application is over its")),
    ("ErrorAccessDenied", ("access is denied. check credentials", "access to odata is disabled")),
    ("Authorization_RequestDenied", ("insufficient privileges to complete the operation",)),
    ("BadRequest", ("/me request is only valid with delegated",)),
    ("ErrorMimeContentInvalidBase64String", ("invalid base64 string for mime",)),
    ("ErrorInvalidRecipients", ("at least one recipient isn't valid", "at least one recipient is not valid")),
    ("ErrorInvalidUser", ("the requested user '",)),
    ("ErrorQuotaExceeded", ("exceeded its storage quota", "mailbox has exceeded its quota")),
    ("insufficient_claims", ("insufficient_claims", "continuous access evaluation", "tokenissuedbeforerevocation")),
)


def read(pasted: Pasted, channel: str) -> Iterator[Reading]:
    """Every code that we know, the innermost and most particular first; then one that we do not know."""
    ours = channel == "graph"
    text = pasted.text
    placed = _CODE.findall(text)
    inner = [_KNOWN[code.lower()] for code in reversed(placed) if code.lower() in _KNOWN]
    words = [word.lower() for word in _WORD.findall(text)]
    spoken = [_KNOWN[word] for word in words if word in _KNOWN and (ours or word not in _COMMON)]
    said = [code for code, phrases in _SAYINGS if any(phrase in pasted.lower for phrase in phrases)]
    codes = list(dict.fromkeys([*inner, *spoken, *said]))
    if "insufficient_claims" in codes:
        codes.insert(0, "insufficient_claims")
    for code in sorted(codes, key=_is_common):
        yield reading("graph", code, text)
    if not codes and not pasted.is_page and "graph.microsoft" in pasted.lower:
        yield reading("graph", placed[0] if placed else "", text)
    elif not codes and placed and (ours or placed[0].startswith("Error")):
        yield reading("graph", placed[0], text)


def _is_common(code: str) -> bool:
    return code.lower() in _COMMON
