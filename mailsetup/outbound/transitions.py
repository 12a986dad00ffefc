"""The health of a setup as one table: what happened, and where each state goes then.

Drawn in docs/health.md. Only `outbound/health.py` uses it.
"""

from __future__ import annotations

from enum import Enum

from mailsetup.outbound.models import BROKEN, DEGRADED, HEALTHY, PAUSED, UNVERIFIED

STATES = (UNVERIFIED, HEALTHY, DEGRADED, BROKEN, PAUSED)


class Event(Enum):
    """What can happen to a setup."""

    ACCEPTED = "the service accepted a mail"
    DELAYED = "the service failed, and the next try may work"
    STOPPED = "the service failed, and only a person or a probe can say that it works again"
    TEST_PASSED = "a test passed with the saved values"
    CHANGED = "values or credential were changed without a test"
    PROBE_PASSED = "a probe could sign in"
    PAUSED = "a person stopped it"
    RESUMED = "a person let it go on, and its values passed a test"
    RESUMED_DOUBTFUL = "a person let it go on, and it was not working before"
    RESUMED_UNTESTED = "a person let it go on, and its values did not pass a test"


# A mail that was on its way while the values changed, or while a person paused, says nothing about
# the values saved now: `unverified` waits for a test, `paused` for a person.
_ROWS: dict[Event, tuple[str, str, str, str, str]] = {
    # event                  unverified  healthy     degraded    broken      paused
    Event.ACCEPTED:         (UNVERIFIED, HEALTHY,    HEALTHY,    HEALTHY,    PAUSED),
    Event.DELAYED:          (UNVERIFIED, DEGRADED,   DEGRADED,   BROKEN,     PAUSED),
    Event.STOPPED:          (UNVERIFIED, BROKEN,     BROKEN,     BROKEN,     PAUSED),
    Event.TEST_PASSED:      (HEALTHY,    HEALTHY,    HEALTHY,    HEALTHY,    PAUSED),
    Event.CHANGED:          (UNVERIFIED, UNVERIFIED, UNVERIFIED, UNVERIFIED, PAUSED),
    Event.PROBE_PASSED:     (UNVERIFIED, HEALTHY,    DEGRADED,   DEGRADED,   PAUSED),
    Event.PAUSED:           (PAUSED,     PAUSED,     PAUSED,     PAUSED,     PAUSED),
    Event.RESUMED:          (UNVERIFIED, HEALTHY,    DEGRADED,   BROKEN,     HEALTHY),
    Event.RESUMED_DOUBTFUL: (UNVERIFIED, HEALTHY,    DEGRADED,   BROKEN,     DEGRADED),
    Event.RESUMED_UNTESTED: (UNVERIFIED, HEALTHY,    DEGRADED,   BROKEN,     UNVERIFIED),
}  # fmt: skip
TABLE = {(state, event): row[STATES.index(state)] for event, row in _ROWS.items() for state in STATES}


def next_state(state: str, event: Event) -> str:
    """Where a setup in this state goes when this happens."""
    return TABLE[state, event]


def diagram() -> str:
    """The table as docs/health.md draws it (Mermaid, stateDiagram-v2): every change of state with what leads to it."""
    ways: dict[tuple[str, str], list[str]] = {}
    for (state, event), after in TABLE.items():
        if after != state:
            ways.setdefault((state, after), []).append(event.name)
    ordered = sorted(ways, key=lambda pair: (STATES.index(pair[0]), STATES.index(pair[1])))
    lines = [f"    {state} --> {after}: {', '.join(ways[state, after])}" for state, after in ordered]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {UNVERIFIED}", *lines])


def rows() -> str:
    """The table as docs/health.md shows it."""
    head = f"| What happens | {' | '.join(STATES)} |\n|{'---|' * (len(STATES) + 1)}"
    lines = [f"| `{event.name}`: {event.value} | {' | '.join(row)} |" for event, row in _ROWS.items()]
    return "\n".join([head, *lines])
