"""What a test does instead of waiting: lets leases run out, makes mail due, sweeps, serves a queue."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mailsetup.cli import worker
from mailsetup.cli.worker import make_worker
from mailsetup.core import db
from mailsetup.core.clock import utcnow
from mailsetup.outbound.models import Mailbox, MailHost, OutboundConfig
from mailsetup.outbox.models import Message
from mailsetup.outbox.sweep import SweepResult, sweep


def swept(session: Session) -> SweepResult:
    """A sweep right now."""
    session.commit()
    with db.session_scope() as own:
        result = sweep(own)
    fresh(session)
    return result


def leases_over(session: Session) -> SweepResult:
    """A sweep after every lease, and every wire deadline, has run out."""
    session.execute(update(Message).values(lease_until=utcnow() - timedelta(seconds=1)))
    return swept(session)


def due_now(session: Session) -> None:
    """Every pause is over, of mails and of setups."""
    session.execute(update(Message).where(Message.finished_at.is_(None)).values(next_attempt_at=utcnow()))
    session.execute(update(OutboundConfig).values(blocked_until=None))
    session.execute(update(Mailbox).values(paused_until=None))
    session.execute(update(MailHost).values(paused_until=utcnow()))
    session.commit()
    fresh(session)


def counts(session: Session) -> dict[str, int]:
    """How many mails are in which state."""
    session.commit()
    rows = session.execute(select(Message.status, func.count()).group_by(Message.status))
    return {str(row[0]): int(row[1]) for row in rows}


def serve(name: str = "mail") -> None:
    """A worker that ends when its queue is empty."""
    make_worker(name).work(burst=True, logging_level="ERROR")


def serve_on() -> None:
    """A worker that goes on until it is told to stop."""
    worker.serve("mail", logging_level="ERROR")


def fresh(session: Session) -> None:
    """What is read from now on is what others have written by now."""
    session.commit()
    session.expire_all()
