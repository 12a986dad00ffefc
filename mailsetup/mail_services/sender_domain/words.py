"""The shape of one piece of advice about a domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

# `note` is worth knowing and no fault; `unknown` cannot be told from outside.
GOOD, NOTE, UNKNOWN, MISSING, WRONG = "good", "note", "unknown", "missing", "wrong"
FAULTS = frozenset({MISSING, WRONG})
TOPICS = {"spf": "SPF", "dkim": "DKIM", "dmarc": "DMARC"}
Lookup = Callable[[str, str], list[str]]


@dataclass(frozen=True)
class Advice:
    """What is true of one topic, in plain words, with the record to copy where one would help."""

    topic: str
    state: str
    title: str
    text: str
    name: str = ""
    value: str = ""

    def to_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)
