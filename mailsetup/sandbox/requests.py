"""What the sandbox was asked: the last requests, with secrets masked."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from mailsetup.core.redact import scrub
from mailsetup.sandbox.inbox import now

KEPT = 500
MASK = "[masked]"
_SECRET = frozenset(
    {
        "client_secret",
        "client_assertion",
        "code",
        "code_verifier",
        "refresh_token",
        "access_token",
        "password",
        "authorization",
    }
)


@dataclass(frozen=True)
class Request:
    """One request: the door it came to, what was asked with which details, and the answer."""

    door: str
    asked: str
    details: Mapping[str, str]
    answer: str
    failed: bool = False
    received_at: str = field(default_factory=now)


class Requests:
    """The last requests, newest last."""

    def __init__(self) -> None:
        self._kept: deque[Request] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def add(self, door: str, asked: str, answer: str, details: Mapping[str, str], *, failed: bool = False) -> None:
        """Notes a request; values that are secrets are masked, the others scrubbed of tokens."""
        safe = {name: masked(name, value) for name, value in details.items() if value}
        with self._lock:
            self._kept.append(Request(door, asked, safe, scrub(answer, limit=600), failed))

    def list(self, door: str | None = None) -> list[Request]:
        """The requests to one door, or all."""
        with self._lock:
            return [each for each in self._kept if door in (None, each.door)]

    def clear(self) -> None:
        """Forgets all requests."""
        with self._lock:
            self._kept.clear()


def masked(name: str, value: str) -> str:
    """The value of a parameter as it may be shown."""
    return MASK if name.lower() in _SECRET else scrub(value, limit=300)
