"""The SMTP conversation."""

from __future__ import annotations

from dataclasses import dataclass

from mailsetup.core.redact import Secret


@dataclass(frozen=True)
class Login:
    """Who signs in, with what, and by which mechanisms, best first."""

    username: str
    secret: Secret
    mechanisms: tuple[str, ...]
