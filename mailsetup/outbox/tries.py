"""One try at a mail, as the lane that makes it sees it: how it ended, how long it took, what the service named it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mailsetup.core import db, tallies
from mailsetup.core.errors import MailsetupError
from mailsetup.mail_services.base import SendResult
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbox import claim
from mailsetup.outbox.claim import Claimed
from mailsetup.outbox.timing import TRIES, StageTimes


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


def count_tries(done: list[Done]) -> None:
    """Adds how these ended to the figures."""
    for outcome, number in Counter(one.outcome for one in done).items():
        tallies.add(TRIES, outcome, number)
