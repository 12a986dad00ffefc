"""Which processes are alive: each says so every few seconds, in the database, where a flushed Redis forgets nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import String, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.core.db import Base

WEB, SCHEDULER = "web", "scheduler"
EVERY_SECONDS = 5.0
KEPT = timedelta(days=1)


class Heartbeat(Base):
    """One process: what it does, since when, and when it was last heard of."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(String(160), primary_key=True)
    role: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[datetime] = mapped_column(default=utcnow)
    seen_at: Mapped[datetime] = mapped_column(default=utcnow)


def role_of(queue_name: str) -> str:
    """The role of a worker of this queue."""
    return f"worker_{queue_name}"


WORKERS = tuple(role_of(name) for name in queues.QUEUES)


def beat(session: Session, name: str, role: str) -> None:
    """The process of this name is alive; one statement on either database."""
    now = utcnow()
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    row = dialect.insert(Heartbeat).values(name=name, role=role, started_at=now, seen_at=now)
    session.execute(row.on_conflict_do_update(index_elements=["name"], set_={"seen_at": now}))


def last_seen(session: Session) -> dict[str, datetime]:
    """When somebody in each role was last heard of; roles of which nothing was heard for a day are left out."""
    query = select(Heartbeat.role, func.max(Heartbeat.seen_at)).where(Heartbeat.seen_at > utcnow() - KEPT)
    return dict(session.execute(query.group_by(Heartbeat.role)).all())


def forget_old(session: Session) -> None:
    """Rows of processes that are long gone."""
    session.execute(delete(Heartbeat).where(Heartbeat.seen_at < utcnow() - KEPT))
