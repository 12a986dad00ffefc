"""What RQ calls: the long work of erasing and exporting, in slices."""

from __future__ import annotations

import time

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from mailsetup.core import queues
from mailsetup.privacy import erase, export

JOB = erase.JOB
SLICE_SECONDS = 10.0
log = structlog.get_logger()


def work() -> None:
    """Goes on with erasures and exports; rings again when the slice was over before the work was."""
    queues.answered(JOB)
    until = time.monotonic() + SLICE_SECONDS
    try:
        more = erase.carry_on(until) or export.carry_on(until)
    except SQLAlchemyError as error:
        log.warning("privacy_database_away", error=type(error).__name__)
        return
    if more:
        queues.ring(JOB)


def sweep(session: Session) -> None:
    """Rings for what nobody works on, and deletes exports whose time is over."""
    export.forget_old(session)
    if erase.unfinished(session) or export.unfinished(session):
        queues.enqueue_after_commit(session, JOB)
