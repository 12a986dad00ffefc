"""Leases in the database: who may do what only one process does at a time."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import datetime, timedelta

from sqlalchemy import String, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from mailsetup.core.clock import utcnow
from mailsetup.core.db import Base


class Lease(Base):
    """A named right, its holder, and until when it is held."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    holder: Mapped[str] = mapped_column(String(120))
    until: Mapped[datetime]


def new_holder() -> str:
    """A name no other process has."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(8)}"


def hold(session: Session, name: str, holder: str, seconds: float) -> bool:
    """Takes or renews the lease; False when somebody else holds it."""
    now = utcnow()
    until = now + timedelta(seconds=seconds)
    mine_or_free = (Lease.name == name) & ((Lease.holder == holder) | (Lease.until <= now))
    changed = session.connection().execute(update(Lease).where(mine_or_free).values(holder=holder, until=until))
    if changed.rowcount:
        return True
    if session.get(Lease, name) is not None:
        return False
    try:
        with session.begin_nested():
            session.add(Lease(name=name, holder=holder, until=until))
    except IntegrityError:
        return False
    return True


def release(session: Session, name: str, holder: str) -> None:
    """Gives the lease back, if this holder has it."""
    ended = update(Lease).where(Lease.name == name, Lease.holder == holder).values(until=utcnow())
    session.connection().execute(ended)
