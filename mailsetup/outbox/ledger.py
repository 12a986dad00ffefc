"""The ledger: every mail ever accepted is in exactly one state, so the sums must agree."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox.models import IN_FLIGHT, STATUSES, TERMINAL, Message
from mailsetup.outbox.ready import IS_QUEUED, may_send


@dataclass(frozen=True)
class Ledger:
    """How many mails were accepted and where they stand."""

    accepted: int
    counts: dict[str, int]

    @property
    def in_flight(self) -> int:
        """Mails that have not ended."""
        return sum(self.counts.get(status, 0) for status in IN_FLIGHT)

    @property
    def difference(self) -> int:
        """Accepted less (sent + failed + expired + cancelled + in flight): mail that nobody accounts for."""
        return self.accepted - self.in_flight - sum(self.counts.get(status, 0) for status in TERMINAL)

    @property
    def balances(self) -> bool:
        """Whether every mail that was accepted is accounted for."""
        return not self.difference


def ledger(session: Session, workspace_id: uuid.UUID | None = None) -> Ledger:
    """The ledger of one workspace, or of all."""
    mine = [] if workspace_id is None else [Message.workspace_id == workspace_id]
    known = dict.fromkeys(STATUSES, 0)
    # In one statement: a mail that moves on between two would be counted twice, or not at all.
    found = session.execute(select(Message.status, func.count()).where(*mine).group_by(Message.status))
    counts = dict(found.all())
    return Ledger(sum(counts.values()), known | counts)


def oldest_due(session: Session) -> datetime | None:
    """Since when the mail that may leave and waits for longest has been due."""
    found: datetime | None = session.scalar(
        select(func.min(Message.next_attempt_at))
        .join(OutboundConfig, OutboundConfig.id == Message.config_id)
        .where(IS_QUEUED, may_send(utcnow()), Message.next_attempt_at <= utcnow())
    )
    return found


def count_waiting(session: Session, config_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many mails wait for each of these setups."""
    # One by one through the index over due mail: as one group PostgreSQL reads everything that waits.
    waits = select(func.count()).where(Message.config_id == OutboundConfig.id, IS_QUEUED).scalar_subquery()
    return dict(session.execute(select(OutboundConfig.id, waits).where(OutboundConfig.id.in_(config_ids))).all())


def waiting_without_setup(session: Session, workspace_id: uuid.UUID) -> int:
    """How many mails of the workspace wait for its first setup."""
    query = select(func.count()).where(Message.workspace_id == workspace_id, Message.config_id.is_(None), IS_QUEUED)
    return session.scalar(query) or 0
