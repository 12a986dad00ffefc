"""One try at a mail, as the lane that makes it sees it: how it ended, how long it took, what the service named it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from mailsetup.core import db, stopping, tallies
from mailsetup.core.errors import MailsetupError
from mailsetup.mail_services.base import Mail, MailService, SendResult
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbox import claim
from mailsetup.outbox.claim import Claimed
from mailsetup.outbox.journal import Journal
from mailsetup.outbox.timing import TRIES, StageTimes

OUTAGE_PAUSES = (0.2, 0.5, 1, 2, 5, 10)
OUTAGE_SECONDS = 600.0
log = structlog.get_logger()


class LeaseLost(MailsetupError):
    """Another worker has the mail: nothing more is said for it here."""


class LaneReport(StageTimes):
    """Besides the times, keeps the name a service gives the mail at hand, before the service accepts it."""

    message: Claimed | None = None

    def named(self, name: str) -> None:
        """Writes it down in a transaction of its own. Raises LeaseLost."""
        with db.session_scope() as session:
            if self.message is None or not claim.name(session, self.message, name):
                raise LeaseLost(str(self.message and self.message.id))


@dataclass(frozen=True)
class Done:
    """How the network part of one mail ended: a result, or an error, or a fault of our own."""

    message: Claimed
    result: SendResult | None = None
    error: TransportError | None = None

    @property
    def outcome(self) -> str:
        """For the figures: whose fault it was, if anybody's."""
        if self.error is not None:
            return "unknown" if self.error.ambiguous else self.error.scope
        return "fault" if self.result is None else "accepted"

    @property
    def connection_good(self) -> bool:
        """Whether the next mail may go through the same connection."""
        if self.error is not None:
            return self.error.scope == "message" and not self.error.ambiguous
        return self.result is not None


def talk(
    service: MailService, message: Claimed, mail: Mail, *, times: LaneReport, journal: Journal, following: Mail | None
) -> Done:
    """The network part: whatever comes out of it, the mail counts as having been on the wire.

    Raises OSError before that, when the journal cannot be written: without it a kill would leave nobody knowing.
    """
    journal.begun(message.id)
    if following is not None:
        service.expect(following)
    try:
        times.message = message
        result = service.deliver(mail, times)
    except TransportError as error:
        if not error.ambiguous:
            journal.refused(message.id)
        return Done(message, error=error)
    except Exception:  # The job edge: an error of no known class defers the mail, it never drops it.
        log.exception("delivery_fault", message=str(message.id))
        return Done(message)
    journal.accepted(message.id, result)
    return Done(message, result=result)


def written(write: Callable[[], object], number: int) -> bool:
    """Whether results could be written; the database may go away between an answer and its record (fault row 18)."""
    deadline = time.monotonic() + OUTAGE_SECONDS
    for pause in (*OUTAGE_PAUSES, *[OUTAGE_PAUSES[-1]] * 60):
        try:
            write()
            return True
        except SQLAlchemyError as error:
            log.warning("results_wait_for_database", messages=number, error=type(error).__name__)
        if time.monotonic() > deadline or stopping.wait(pause):
            break
    return False


def count_tries(done: list[Done]) -> None:
    """Adds how these ended to the figures."""
    for outcome, number in Counter(one.outcome for one in done).items():
        tallies.add(TRIES, outcome, number)
