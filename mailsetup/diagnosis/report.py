"""Writes each stage of a running test into the database as it changes, so that a page can follow."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import CursorResult, update

from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.diagnosis.models import FAILED, PASSED, RUNNING, TestRun, TestStage
from mailsetup.mail_services.base import Evidence, Report
from mailsetup.mail_services.errors import TransportError


class Stopped(BaseException):
    """The test was cancelled or ended from outside: whatever it was doing ends here.

    Not an Exception, so that no service takes it for a failure of its own.
    """


class RunReport(Report):
    """The report of one test run; once closed it writes nothing and stops whoever reports to it."""

    def __init__(self, run_id: uuid.UUID, *, verdict_of: Callable[[TransportError], str]) -> None:
        self.run_id = run_id
        self.last_stage = ""
        self._verdict_of = verdict_of
        self._began: dict[str, float] = {}
        self._closed = threading.Event()

    def close(self) -> None:
        """Ends the report: the run has its verdict."""
        self._closed.set()

    def entered(self, name: str) -> None:
        """The stage begins, unless somebody cancelled the test."""
        self._began.setdefault(name, time.monotonic())
        self.last_stage = name
        self._write(name, {"state": RUNNING, "started_at": utcnow()})

    def passed(self, name: str, evidence: Evidence) -> None:
        """The stage ended well."""
        self._write(name, {"state": PASSED, "evidence": dict(evidence), "milliseconds": self._milliseconds(name)})

    def failed(self, name: str, error: TransportError, evidence: Evidence) -> None:
        """The stage failed."""
        self._write(
            name,
            {
                "state": FAILED,
                "evidence": dict(evidence),
                "milliseconds": self._milliseconds(name),
                "verdict": self._verdict_of(error),
            },
        )

    def _milliseconds(self, name: str) -> int:
        return round((time.monotonic() - self._began[name]) * 1000)

    def _write(self, name: str, values: dict[str, Any]) -> None:
        if self._closed.is_set():
            raise Stopped
        stage = update(TestStage).where(TestStage.run_id == self.run_id, TestStage.name == name)
        going_on = update(TestRun).where(
            TestRun.id == self.run_id, TestRun.state == RUNNING, TestRun.cancel_requested.is_(False)
        )
        with session_scope() as session:
            # Touching the run row first locks it against whoever ends the run at this moment.
            touched = session.execute(going_on.values(state=RUNNING))
            if not isinstance(touched, CursorResult) or touched.rowcount != 1:
                raise Stopped
            session.execute(stage.values(**values))
