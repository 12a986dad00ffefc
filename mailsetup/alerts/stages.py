"""How far the sending of a notice came, kept for the page."""

from __future__ import annotations

import time
from typing import Any

from mailsetup.mail_services.base import Evidence, Report
from mailsetup.mail_services.errors import TransportError

_LABELS = {
    "settings": "Reading the address",
    "resolve": "Finding the server",
    "connect": "Connecting",
    "tls": "Securing the connection",
    "authenticate": "Signing in",
    "sender": "Sender accepted",
    "recipient": "Address accepted",
    "accept": "Notice accepted",
}


class StageLog(Report):
    """Keeps each stage with its state and time."""

    def __init__(self) -> None:
        self.stages: list[dict[str, Any]] = []
        self._began = 0.0

    def entered(self, name: str) -> None:
        """The stage begins."""
        self._began = time.monotonic()
        self.stages.append({"name": name, "label": _LABELS.get(name, name), "state": "running", "milliseconds": 0})

    def passed(self, name: str, evidence: Evidence) -> None:
        """The stage ended well."""
        self._end("passed")

    def failed(self, name: str, error: TransportError, evidence: Evidence) -> None:
        """The stage failed."""
        self._end("failed")

    def refused(self) -> None:
        """The last stage got an answer, and the answer was no."""
        if self.stages:
            self.stages[-1]["state"] = "failed"

    def _end(self, state: str) -> None:
        self.stages[-1] |= {"state": state, "milliseconds": round((time.monotonic() - self._began) * 1000)}
