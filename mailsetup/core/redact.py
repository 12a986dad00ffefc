"""Keeps secrets out of any text."""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse
from collections.abc import Iterable
from typing import NoReturn

QUOTE_LIMIT = 2000
# With what ends a line unseen, or shows text in another order than it has (Unicode TR36, bidirectional spoofing).
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_PERCENT = re.compile(r"%[0-9A-F]{2}")
_TOKENS = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?|(?i:bearer)\s+[\w.~+/=-]{12,}")


class Secret:
    """A text that shows itself only when asked by name, and never when printed or pickled."""

    __slots__ = ("_forms", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        self._forms: tuple[str, ...] | None = None

    def reveal(self) -> str:
        """The text itself."""
        return self._value

    def forms(self) -> tuple[str, ...]:
        """Every spelling to look for in a service's words, the longest first; worked out once."""
        if self._forms is None:
            self._forms = _looked_for(self._value)
        return self._forms

    def __repr__(self) -> str:
        return "Secret(-)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


def spellings(secret: str) -> set[str]:
    """The forms in which a service may echo a secret: as it is, in base64 or hex, in an address, JSON or HTML."""
    raw = secret.encode()
    addresses = {urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)}
    plain = {secret, *addresses, *(_PERCENT.sub(lambda found: found[0].lower(), form) for form in addresses)}
    quoted = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    plain |= quoted | {form.replace("/", "\\/") for form in quoted} | {html.escape(secret)}
    encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    return plain | encoded | {form.rstrip("=") for form in encoded} | {raw.hex(), raw.hex().upper()}


def _looked_for(secret: str) -> tuple[str, ...]:
    return tuple(sorted(spellings(secret), key=len, reverse=True)) if len(secret) >= 4 else ()


def scrub(text: str, secrets: Iterable[Secret | str] = (), *, limit: int = QUOTE_LIMIT) -> str:
    """A service's own words made safe to keep: secrets and control characters out, cut at `limit` characters."""
    for secret in secrets:
        for form in secret.forms() if isinstance(secret, Secret) else _looked_for(secret):
            text = text.replace(form, "[secret]")
    text = _TOKENS.sub("[secret]", _CONTROL.sub(" ", text))
    return text if len(text) <= limit else text[: limit - 1] + "…"
