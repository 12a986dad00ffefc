"""The service's own words as a quotation: without any secret, without tokens, and not too long."""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

from mailsetup.core.redact import QUOTE_LIMIT, Secret, scrub, spellings

HIDDEN = "[secret]"
SHORTEST = 4
WINDOW = 4 * QUOTE_LIMIT
# What may be shown of a context. Everything else in it is treated as a secret, unless it looks like nothing that
# anybody would use as one.
PUBLIC = frozenset(
    {
        *(
            "app",
            "channel",
            "cloud",
            "ended",
            "host",
            "http_status",
            "kind",
            "label",
            "limit",
            "locale",
            "name",
            "port",
        ),
        *("client_id", "client_request_id", "correlation_id", "request_id", "tenant_id", "trace_id", "timestamp"),
        *(
            "from_address",
            "from_name",
            "main_address",
            "mailbox",
            "recipient",
            "username",
            "redirect_uri",
            "login_host",
            "proxy_host",
        ),
        *("login", "microsoft", "provider", "refused", "retry_after", "signs_in", "stage", "suberror", "timezone"),
        *("tls", "type", "worker"),
    }
)
_SECRETIVE = re.compile(
    r"secret|pass|pwd|token|key|assert|code|cookie|credential|auth|private|cert|pin|otp|sign|bearer|session",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"[\w.+-]{1,64}@[\w.-]{1,255}|[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
    r"|\d{1,5}"
)
_NAMES = (
    r"access_token|refresh_token|id_token|client_secret|client_assertion|assertion|device_code|user_code|code_verifier|"
    r"client_info|session_state|password|passwd|passphrase|pwd|api[_-]?key|apikey|secret[_-]?(?:key|value)?|"
    r"set-cookie|cookie|x-api-key"
)
# Tokens and secrets that are known by their shape, or by the name before them.
_SHAPES = re.compile(
    r"(?P<named>(?<![\w-])(?:" + _NAMES + r")[\"']?\s{0,3}[:=]\s{0,3}[\"']?)(?P<value>[^\s\"'&,;<>]{4,})"
    r"|(?P<code>(?<![\w-])(?:code|state|nonce)[\"']?\s{0,2}[:=]\s{0,2}[\"']?)(?=[\w.!*~+/=-]*\d)(?P<grant>[\w.!*~+/=-]{24,})"
    r"|(?P<auth>\b(?:authorization|proxy-authorization)[\"']?\s{0,3}[:=]\s{0,3}[\"']?\w+\s+)(?P<credentials>[\w.~+/=-]{6,})"
    r"|(?P<smtp>\bAUTH\s+(?:PLAIN|LOGIN|XOAUTH2|CRAM-MD5)\s+)(?P<login>[\w+/=-]{8,})"
    r"|(?P<shape>\b[\w~.-]{3}\dQ~[\w~.-]{30,36}|\bSG\.[\w-]{12,}\.[\w-]{12,}|\bxkeysib-[\w-]{20,}|\bEwB[\w+/=-]{40,}"
    r"|\b0\.A[\w-]{3,}\.[\w-]{30,}|\b1\.A[\w-]{3,}\.[\w-]{30,}|\bM\.[CR]\d+_\w+[\w.!*-]{30,}|\bya29\.[\w.-]{20,})"
    r"|(?P<key>-----BEGIN [A-Z ]*PRIVATE KEY-----.{0,8000}?(?:-----END [A-Z ]*PRIVATE KEY-----|$))",
    re.IGNORECASE | re.DOTALL,
)


class Veil:
    """Hides the secrets of one context, in whichever form a service may have echoed them."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        secrets = set(_secrets_of(context))
        self._forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
        self._lower = [form.lower() for form in self._forms]
        self.longest = len(self._forms[0]) if self._forms else 0

    def over(self, text: str) -> str:
        """The text without the secrets."""
        lower = text.lower() if self._forms else ""
        for form, wanted in zip(self._forms, self._lower, strict=True):
            if wanted in lower:
                text = re.sub(re.escape(form), HIDDEN, text, flags=re.IGNORECASE)
                lower = text.lower()
        return text


def quoted(text: str, veil: Veil, *, last_words: bool = False) -> str:
    """The words, fit to be shown. `last_words` keeps the end of long ones: a traceback says most there."""
    # What is cut off may cut a secret in two, so that much more is read, and dropped afterwards.
    window = WINDOW + veil.longest
    cut = len(text) > window
    text = (text[-window:] if last_words else text[:window]) if cut else text
    shown = _SHAPES.sub(_without, veil.over(text))
    shown = veil.over(scrub(shown, limit=max(len(shown), 1)))
    spare = veil.longest if cut else 0
    shown = (shown[spare:] if last_words else shown[: len(shown) - spare]).strip()
    if len(shown) <= QUOTE_LIMIT and not cut:
        return shown
    return "…" + shown[1 - QUOTE_LIMIT :] if last_words else shown[: QUOTE_LIMIT - 1] + "…"


def _without(found: re.Match[str]) -> str:
    before = found["named"] or found["code"] or found["auth"] or found["smtp"] or ""
    return before + HIDDEN


def _secrets_of(context: Mapping[str, Any]) -> Iterator[str]:
    for name, value in context.items():
        if isinstance(value, Secret) or (str(name) not in PUBLIC and not _harmless(str(name), value)):
            yield from _texts(value)


def _harmless(name: str, value: object) -> bool:
    """An address, a server's name, an id or a small number, under a name that promises no secret."""
    return not _SECRETIVE.search(name) and isinstance(value, str) and _HARMLESS.fullmatch(value) is not None


def _texts(value: object, depth: int = 0) -> Iterator[str]:
    """Every text in a value, however deep."""
    if isinstance(value, Secret):
        value = value.reveal()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        yield from (part for part in {value, value.strip()} if len(part) >= SHORTEST)
    elif depth < 8 and isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner, depth + 1)
    elif depth < 8 and isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _texts(inner, depth + 1)


def _forms(secret: str) -> set[str]:
    """Plain, escaped for JSON, Python, HTML and addresses, and base64 at each place in a longer text."""
    data = secret.encode("utf-8", "replace")
    forms = spellings(data.decode()) | {secret, html.escape(secret), html.escape(secret, quote=False)}
    forms |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    forms |= {json.dumps(secret)[1:-1].replace("/", "\\/"), urllib.parse.quote(data), " ".join(secret.split())}
    for shift in range(3):
        inside = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")
        inside = inside[(0, 2, 3)[shift] : len(inside) - (1 if (shift + len(data)) % 3 else 0)]
        forms |= {inside, inside.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= SHORTEST}
