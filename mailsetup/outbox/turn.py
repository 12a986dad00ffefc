"""What a lane and a bundle have in common: the database in turns, a journal, and giving back what was not sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from mailsetup.core import db
from mailsetup.outbox import claim
from mailsetup.outbox.claim import Claimed
from mailsetup.outbox.clock import DatabaseClock
from mailsetup.outbox.journal import Journal

# A group ends after so long: what was begun but not sent, or sent but not recorded, must not grow old.
GROUP_SECONDS = 2.0
log = structlog.get_logger()


class Turns(Protocol):
    """What a lane asks of the drain it belongs to."""

    clock: DatabaseClock
    journals: Path
    transactions: BoundedSemaphore

    def over(self, started: float) -> bool:
        """Whether a lane that began at this moment should end now."""

    def hold(self, token: str) -> None:
        """Keeps this lease renewed."""

    def drop(self, token: str) -> None:
        """Ends the renewal."""


class Turn:
    """One turn at sending."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.journal = Journal(turns.journals)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """In turns: more lanes at the database at once than it has room for only wait in each other's way."""
        with self.turns.transactions, db.session_scope() as session:
            yield session

    def return_unsent(self, left: Sequence[Claimed]) -> None:
        """Gives back what was claimed and never went on the wire; the journal says so where the database cannot."""
        if not left:
            return
        try:
            with self.transaction() as session:
                self.release(session, left)
        except SQLAlchemyError as error:
            log.warning("claim_not_given_back", messages=len(left), error=type(error).__name__)
            self.journal.keep()

    def release(self, session: Session, left: Sequence[Claimed]) -> None:
        """The database's part of it."""
        claim.release(session, left, self.turns.clock.now())
