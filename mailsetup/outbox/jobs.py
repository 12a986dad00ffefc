"""What RQ calls to send mail."""

from __future__ import annotations

import structlog
from sqlalchemy.exc import SQLAlchemyError

from mailsetup import settings
from mailsetup.core import queues, stopping
from mailsetup.outbox.drain import Drain

DRAIN = "mailsetup.outbox.jobs.drain"
log = structlog.get_logger()


def drain() -> None:
    """Sends all mail that is due, in turns; rings again when its slice was over before the mail was."""
    queues.answered(DRAIN)
    try:
        more = Drain(settings.current().worker_lanes).run()
    except SQLAlchemyError as error:
        log.warning("drain_database_away", error=type(error).__name__)
        return
    if more or stopping.requested():
        queues.ring(DRAIN)
