"""Claims challenges: what Graph demands of the next token (learn.microsoft.com, "Claims challenges").

WWW-Authenticate: Bearer realm="", error="insufficient_claims", claims="<base64 of JSON>"
"""

from __future__ import annotations

import base64
import binascii
import json
import re

LIMIT = 4000
_CLAIMS = re.compile(r'\bclaims="([A-Za-z0-9+/_=-]{4,8000})"')


def challenge_of(header: str) -> str:
    """The demanded claims as JSON text; empty when the header holds none that can be read."""
    for encoded in _CLAIMS.findall(header):
        text = _decoded(encoded)
        if len(text) <= LIMIT and is_object(text):
            return text
    return ""


def is_object(text: str) -> bool:
    """Whether the text is a JSON object with something in it."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and bool(found)


def _decoded(encoded: str) -> str:
    """Base64 in either alphabet, with or without its padding: Microsoft sends all of them."""
    plain = encoded.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4)).decode()
    except (ValueError, binascii.Error):
        return ""
