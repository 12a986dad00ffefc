"""Why a test that was started does not run yet, said after a few seconds."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.core import queues, walls
from mailsetup.core.clock import utcnow
from mailsetup.diagnosis.models import RUNNING, WAITING, TestRun

SPEAK_AFTER_SECONDS = 3.0


def reason(session: Session, run: TestRun) -> str:
    """One sentence; empty while there is nothing to explain."""
    if run.state != WAITING or (utcnow() - run.created_at).total_seconds() < SPEAK_AFTER_SECONDS:
        return ""
    listening = queues.listeners(queues.TESTS)
    if listening is None:
        return "The test waits: our queue does not answer at this moment. It begins by itself as soon as it does."
    if not listening:
        return "The test waits: nothing runs tests at this moment. Our support is needed if this lasts longer."
    ahead = _ahead(session, run)
    if ahead:
        return f"The test waits: {ahead} {'test is' if ahead == 1 else 'tests are'} ahead of it."
    return "The test is about to begin."


def _ahead(session: Session, run: TestRun) -> int:
    before = select(func.count()).where(
        TestRun.id != run.id,
        (TestRun.state == RUNNING) | ((TestRun.state == WAITING) & (TestRun.created_at < run.created_at)),
        TestRun.deadline_at > utcnow(),
    )
    # The queue is everybody's: how many are ahead is told, nothing else of them.
    with walls.across(session):
        return session.scalar(before) or 0
