"""The database's time: leases and due times follow it, so a worker with a wrong clock does no harm."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.core import db
from mailsetup.core.clock import utcnow

RESYNC_SECONDS = 20.0


def database_now(session: Session) -> datetime:
    """The time by the database's own clock; SQLite lives on this machine and has ours."""
    if session.get_bind().dialect.name != "postgresql":
        return utcnow()
    now: datetime = session.scalars(select(func.clock_timestamp())).one()
    return now


class DatabaseClock:
    """The database's time between two looks at it, carried on by a clock that never jumps."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._then = utcnow()

    def now(self) -> datetime:
        """The database's time; asks the database the first time only."""
        if self._looked == float("-inf"):
            self._look()
        with self._lock:
            return self._then + timedelta(seconds=time.monotonic() - self._looked)

    def look_again(self) -> None:
        """Asks the database anew every 20 seconds; not where a transaction is open, which a second would wait for."""
        if time.monotonic() - self._looked > RESYNC_SECONDS:
            self._look()

    def _look(self) -> None:
        with db.session_scope() as session:
            then, looked = database_now(session), time.monotonic()
        with self._lock:
            self._then, self._looked = then, looked
