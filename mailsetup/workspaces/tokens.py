"""Random tokens for links: shown once, kept only as their hash."""

from __future__ import annotations

import hashlib
import re
import secrets

BITS = 256
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(BITS // 8)


def token_hash(token: str) -> str:
    """What is kept of a token; nothing matches a token of the wrong form, so no row is found for an empty one."""
    return hashlib.sha256(token.encode()).hexdigest() if _TOKEN.fullmatch(token) else ""
