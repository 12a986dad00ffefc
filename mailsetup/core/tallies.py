"""Counts that grow for ever, summed over all processes and machines: kept in the process, added to the database.

What a worker counted is written every few seconds, and at the end of a job. A process that is killed takes the last
seconds along: these are figures about work, never the record of it.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass

import structlog
from sqlalchemy import Float, String, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from mailsetup.core.db import Base, session_scope

# Seconds of a stage: from a reply in the same room to the longest that a service may take for a mail.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 600.0)
LARGER = "+Inf"
SUM = "sum"

Key = tuple[str, str, str]
log = structlog.get_logger()
_pending: defaultdict[Key, float] = defaultdict(float)
_lock = threading.Lock()


class Tally(Base):
    """One count: of what, of which kind, and for lengths of time in which bucket (`le`) or their sum."""

    __tablename__ = "tallies"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    label: Mapped[str] = mapped_column(String(60), primary_key=True)
    bucket: Mapped[str] = mapped_column(String(10), primary_key=True, default="")
    amount: Mapped[float] = mapped_column(Float, default=0.0)


@dataclass(frozen=True)
class Lengths:
    """How often something took how long: counts by bucket, not cumulative, and the sum in seconds."""

    buckets: dict[str, float]
    sum: float


class Stopwatches:
    """Lengths of time by label, collected by one thread; `hand_over` adds them to what the process counted."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def note(self, label: str, seconds: float) -> None:
        """One length of time."""
        counts = self._counts.get(label)
        if counts is None:
            counts = self._counts[label] = [0] * (len(BOUNDS) + 1)
            self._sums[label] = 0.0
        counts[bisect_left(BOUNDS, seconds)] += 1
        self._sums[label] += seconds

    def hand_over(self) -> None:
        """Adds what was noted to the counts of this process, and begins anew."""
        with _lock:
            for label, counts in self._counts.items():
                for bucket, count in zip(_buckets(), counts, strict=True):
                    if count:
                        _pending[self.name, label, bucket] += count
                _pending[self.name, label, SUM] += self._sums[label]
        self._counts, self._sums = {}, {}


def _buckets() -> tuple[str, ...]:
    return (*(f"{bound:g}" for bound in BOUNDS), LARGER)


def add(name: str, label: str = "", amount: float = 1) -> None:
    """Counts one more, or so many."""
    with _lock:
        _pending[name, label, ""] += amount


def flush() -> None:
    """Adds what this process counted to the database; kept for the next time when it is away.

    Opens its own transaction: call it where none is open.
    """
    with _lock:
        taken = dict(_pending)
        _pending.clear()
    if not taken:
        return
    try:
        with session_scope() as session:
            _write(session, taken)
    except SQLAlchemyError as error:
        log.warning("tallies_kept", error=type(error).__name__)
        with _lock:
            for key, amount in taken.items():
                _pending[key] += amount


def _write(session: Session, taken: dict[Key, float]) -> None:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    # In one order everywhere: two processes that write the same rows must not wait for each other in a circle.
    rows = [
        {"name": name, "label": label, "bucket": bucket, "amount": amount}
        for (name, label, bucket), amount in sorted(taken.items())
    ]
    insert = dialect.insert(Tally)
    added = insert.on_conflict_do_update(
        index_elements=["name", "label", "bucket"], set_={"amount": Tally.amount + insert.excluded.amount}
    )
    session.connection().execute(added, rows)


def totals(session: Session, name: str) -> dict[str, float]:
    """A count by label."""
    query = select(Tally.label, Tally.amount).where(Tally.name == name, Tally.bucket == "")
    return dict(session.execute(query.order_by(Tally.label)).all())


def lengths(session: Session, name: str) -> dict[str, Lengths]:
    """Lengths of time by label."""
    found: dict[str, dict[str, float]] = {}
    for row in session.scalars(select(Tally).where(Tally.name == name).order_by(Tally.label)):
        found.setdefault(row.label, {})[row.bucket] = row.amount
    return {
        label: Lengths({bucket: amounts.get(bucket, 0) for bucket in _buckets()}, amounts.get(SUM, 0.0))
        for label, amounts in found.items()
    }
