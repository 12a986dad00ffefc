"""One thing that an answer may be: an error as the rules want it, and the words that belong to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mailsetup.mail_services.errors import TransportError


@dataclass(frozen=True)
class Reading:
    """`text` are the service's own words about just this error."""

    error: TransportError
    text: str


def reading(channel: str, code: str, text: str, *, stage: str = "", **context: Any) -> Reading:
    """A reading of these facts."""
    return Reading(TransportError("", channel=channel, code=code, stage=stage, context=context), text)
