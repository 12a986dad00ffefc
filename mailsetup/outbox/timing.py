"""How long each stage of sending takes, for the operator's figures."""

from __future__ import annotations

import time

from mailsetup.core import tallies
from mailsetup.core.tallies import Stopwatches
from mailsetup.mail_services.base import Evidence, Report
from mailsetup.mail_services.errors import TransportError

STAGE_SECONDS, STAGE_FAILURES, TRIES, LANE_SECONDS = "stage_seconds", "stage_failures", "tries", "lane_seconds"


class StageTimes(Report):
    """The report of one lane: hears how long each stage took, and which failed."""

    def __init__(self) -> None:
        self._times = Stopwatches(STAGE_SECONDS)
        self._began = 0.0

    def entered(self, name: str) -> None:
        """The stage begins."""
        self._began = time.perf_counter()

    def passed(self, name: str, evidence: Evidence) -> None:
        """The stage ended well."""
        self._times.note(name, time.perf_counter() - self._began)

    def failed(self, name: str, error: TransportError, evidence: Evidence) -> None:
        """The stage failed; how long that took counts too."""
        self._times.note(name, time.perf_counter() - self._began)
        tallies.add(STAGE_FAILURES, name)

    def hand_over(self) -> None:
        """Adds what was heard to the figures of this process."""
        self._times.hand_over()


class LaneClock:
    """How long lanes were busy, summed over all lanes of one drain."""

    def __init__(self) -> None:
        self._looked = self._written = time.monotonic()

    def tick(self, busy: int) -> None:
        """So many lanes were busy since the last look."""
        now = time.monotonic()
        if busy:
            tallies.add(LANE_SECONDS, amount=busy * (now - self._looked))
        self._looked = now

    def is_due(self, every: float) -> bool:
        """Whether the figures were last written so many seconds ago; if so, they count as written now."""
        now = time.monotonic()
        if now - self._written < every:
            return False
        self._written = now
        return True
