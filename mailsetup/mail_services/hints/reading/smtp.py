"""Reads replies of mail servers: one line or several, in a transcript, a bounce, a log, or an exception of Python."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailsetup.mail_services.hints.reading.pasted import Pasted
from mailsetup.mail_services.hints.reading.readings import Reading, reading

_BASIC = r"(?:42\d|43\d|44[12467]|45\d|471|50\d|51\d|52\d|53\d|54[0-6]|55[0-7]|57[1-4])"
_ENHANCED = r"#?([245]\.\d{1,3}\.\d{1,3})(?![.\d])"
# A reply as a server writes it, at the start of a line, perhaps quoted in a mail or named in a log.
_LINE = re.compile(
    rf"^[>|* \t]{{0,20}}(?:[<←SsR:]{{1,3}}\s*|(?:Server|Reply|Response|Error|reply|error)\s*[:=]\s*)?"
    rf"[\"'(]?(?<![\d.])({_BASIC})(?:[ \-:]|$)\s{{0,3}}(?:{_ENHANCED})?",
    re.MULTILINE,
)
# `(535, b'5.7.8 ...')` and `535, "5.7.8 ..."`.
_PAIR = re.compile(rf"(?<![\d.:])({_BASIC}),\s{{0,3}}(?:b|u)?[\"']\s*(?:{_ENHANCED})?")
# Both numbers side by side anywhere, and the enhanced one alone, as in a bounce.
_BOTH = re.compile(rf"(?<![\d.:/])({_BASIC})[ \-:]\s{{0,2}}{_ENHANCED}")
_ALONE = re.compile(r"(?<![\w.:/-])#?([45]\.\d{1,2}\.\d{1,3})(?![.\d\w])")
_ANYWHERE = re.compile(rf"(?<![\w.:/-])({_BASIC})[ \-:](?=\s{{0,3}}\D)")
_GOOD = re.compile(r"^[ \t]{0,8}(2[0-5]\d)[ -]", re.MULTILINE)
_NEXT = re.compile(r"\n[>|* \t]{0,20}(\d{3})[ \-]")
_RAISED = (
    ("SMTPAuthenticationError", "authenticate"),
    ("SMTPSenderRefused", "sender"),
    ("SMTPRecipientsRefused", "recipient"),
    ("SMTPDataError", "accept"),
    ("SMTPHeloError", "connect"),
    ("SMTPConnectError", "connect"),
)
_WORDS_OF_STAGES = (
    ("sender", ("mail from", "sender address", "during mail")),
    ("recipient", ("rcpt to", "recipient", "relay access", "user unknown", "no such user", "unknown user")),
)
_STAGE_OF_ENHANCED = (
    ("recipient", ("x.1.0", "x.1.1", "x.1.2", "x.1.3", "x.1.4", "x.1.6", "x.1.10", "x.2.1", "x.4.1")),
    ("sender", ("x.1.7",)),
)
_AUTHENTICATION = {"334", "432", "454", "530", "534", "535", "538"}
# Who answered, in a log of Postfix or Exim.
_PEER = re.compile(r"(?:\bserver |\bhost |\brelay=|\bH=)([\w-]{1,63}(?:\.[\w-]{1,63}){1,8}) ?\[")
TEXT_LIMIT = 1_500
_OF_THE_WEB = ("http/", "http error", "http status", "httpsconnection", "httpconnection", "gateway", "status code")
# The command, and the challenge `{"status":...` that Google sends before its refusal.
_WITH_TOKEN = ("auth xoauth2", "334 eyjzdgf0dxmioi")


def read(pasted: Pasted, channel: str) -> Iterator[Reading]:
    """Every refusal in the text, in its order, each with its own words."""
    ours = channel in {"smtp_reply", "smtp_exception"}
    patterns = () if pasted.lower.startswith("http/") else _patterns(pasted, ours=ours)
    seen: set[str] = set()
    how = {"login": "XOAUTH2"} if any(sign in pasted.lower for sign in _WITH_TOKEN) else {}
    if spoke := _PEER.search(pasted.text):
        how["host"] = spoke[1]
    for pattern in patterns:
        for found in pattern.finditer(pasted.text):
            code = _code(found)
            if code and code not in seen and not _known_better(code, seen):
                seen.add(code)
                words = _words(pasted.text, found)
                yield reading("smtp_reply", code, words, stage=_stage(code, words, pasted.text), **how)
    if ours and not seen and _GOOD.search(pasted.text):
        yield reading("smtp_reply", "250", pasted.text)


def _patterns(pasted: Pasted, *, ours: bool) -> tuple[re.Pattern[str], ...]:
    """Where to look: a number alone is a reply only where a mail server spoke."""
    if ours:
        return (_PAIR, _LINE, _BOTH, _ALONE, _ANYWHERE)
    if pasted.is_page or any(sign in pasted.lower[:200] for sign in _OF_THE_WEB):
        return (_PAIR, _BOTH, _ALONE)
    spoke = any(sign in pasted.lower for sign in ("smtp", "rcpt to", "mail from", " said:", "esmtp"))
    return (_PAIR, _BOTH, _ALONE, _LINE, _ANYWHERE) if spoke else (_PAIR, _BOTH, _ALONE, _LINE)


def _code(found: re.Match[str]) -> str:
    """`550 5.7.60`; an enhanced code alone gets the reply code of its class (RFC 3463 section 2)."""
    parts = found.groups()
    if len(parts) == 1:
        return f"{parts[0][0]}50 {parts[0]}" if "." in parts[0] else str(parts[0])
    return " ".join(part for part in parts if part)


def _known_better(code: str, seen: set[str]) -> bool:
    """Whether the same reply was found before, with more of its numbers, or with the right ones."""
    basic, _, enhanced = code.partition(" ")
    return (
        any(known.startswith(basic + " ") for known in seen)
        if not enhanced
        else any(known.endswith(" " + enhanced) for known in seen)
    )


def _words(text: str, found: re.Match[str]) -> str:
    """The reply's own words: up to where the next reply begins."""
    end = min(len(text), found.end() + TEXT_LIMIT)
    basic = found[1][:3]
    for following in _NEXT.finditer(text, found.end(), end):
        if following[1] != basic:
            end = following.start()
            break
    if pair := _PAIR.search(text, found.end(), end):  # another recipient's
        end = pair.start()
    return text[found.start() : end]


def _stage(code: str, words: str, text: str) -> str:
    raised = next((stage for name, stage in _RAISED if name in text), "")
    basic, _, enhanced = code.partition(" ")
    if raised or basic in _AUTHENTICATION:
        return raised or "authenticate"
    place = f"x{enhanced[1:]}"
    by_number = next((stage for stage, codes in _STAGE_OF_ENHANCED if place in codes), "")
    lower = words.lower()
    by_word = (stage for stage, phrases in _WORDS_OF_STAGES if any(phrase in lower for phrase in phrases))
    return by_number or next(by_word, "")
