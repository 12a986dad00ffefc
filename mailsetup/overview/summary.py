"""The answer to "does my mail flow?", in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from mailsetup.outbound.models import BROKEN, DEGRADED, HEALTHY, PAUSED, UNVERIFIED
from mailsetup.overview.setups import SetupLine


@dataclass(frozen=True)
class Summary:
    """A state, a sentence, more of it, and the one setup it is about."""

    state: str
    title: str
    text: str
    config: SetupLine | None = None


def summarize(configs: Sequence[SetupLine], waiting: Mapping[UUID, int]) -> Summary:
    """How the workspace's mail is doing: the worst of its setups speaks."""
    found = {health: [config for config in configs if config.health == health] for health in _WORDS}
    for health, (title, text) in _WORDS.items():
        rows = found[health]
        held = sum(waiting[config.id] for config in rows)
        if rows and (health in {BROKEN, DEGRADED} or held or len(rows) == len(configs)):
            alone = rows[0] if len(rows) == 1 else None
            return Summary(health, title.format(name=_named(rows)), _with_waiting(text, held), alone)
    return Summary(HEALTHY, "Mail flows", _with_waiting("", sum(waiting.values())))


_WORDS = {
    BROKEN: ("Mail through {name} has stopped", "Somebody has to act; no mail is lost."),
    DEGRADED: ("Mail through {name} is delayed", "The mail service failed a moment ago; it is tried again by itself."),
    UNVERIFIED: ("{name} waits for a test", "Mail leaves when a test passes."),
    PAUSED: ("{name} is paused", "Mail leaves when somebody resumes it."),
}


def _named(rows: Sequence[SetupLine]) -> str:
    return f"“{rows[0].name}”" if len(rows) == 1 else f"{len(rows)} setups"


def _with_waiting(text: str, waiting: int) -> str:
    if not waiting:
        return text or "Nothing waits."
    held = "1 mail waits." if waiting == 1 else f"{waiting:,} mails wait."
    return f"{held} {text}".strip()
