"""The database: engine, base class, sessions. PostgreSQL in production, SQLite embedded."""

from __future__ import annotations

import importlib
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import DateTime, Dialect, Engine, MetaData, Uuid, create_engine, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import JSON, TypeDecorator

from mailsetup.core import raw_sql, walls
from mailsetup.core.errors import NotFound
from mailsetup.core.ids import new_id

Row = TypeVar("Row", bound="Base")
MODELS = (
    "workspaces",
    "credentials",
    "alerts",
    "events",
    "outbound",
    "diagnosis",
    "wizard",
    "outbox",
    "api",
    "privacy",
)
_USED = "mailsetup_used"
RESTED_SECONDS = 20.0
NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC on every database; refuses naive values."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The value in UTC on its way in."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The value in UTC on its way out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Every table; ids are UUIDs made by us before the insert."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UTCDateTime, dict[str, Any]: JSON, list[Any]: JSON, uuid.UUID: Uuid}


class HasId:
    """The primary key of nearly every table."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)


def load_models() -> None:
    """Imports every table, so that metadata and foreign keys are complete."""
    for module in ("heartbeats", "leases", "tallies"):
        importlib.import_module(f"mailsetup.core.{module}")
    for feature in MODELS:
        importlib.import_module(f"mailsetup.{feature}.models")


def make_engine(url: str, *, pool_size: int = 10) -> Engine:
    """An engine with our rules for the database behind `url`; its errors are logged, so they name no values."""
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"timeout": 20}, hide_parameters=True)
        event.listen(engine, "connect", raw_sql.prepare_sqlite)
        event.listen(engine, "begin", raw_sql.begin_immediate)
        return engine
    engine = create_engine(url, pool_size=pool_size, max_overflow=pool_size, hide_parameters=True)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _look)
    walls.guard(engine)
    return engine


def _note_use(_driver: object, record: ConnectionPoolEntry) -> None:
    record.info[_USED] = time.monotonic()


def _look(driver: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Asks only a connection that rested whether it still lives: a server that ends a busy one says so on its socket.

    Raises InvalidatePoolError when it does not; the pool then connects anew.
    """
    rested = time.monotonic() - record.info.get(_USED, time.monotonic())
    if not (raw_sql.is_quiet(driver) if rested < RESTED_SECONDS else raw_sql.is_alive(driver)):
        raise InvalidatePoolError


_sessions: sessionmaker[Session] = sessionmaker(expire_on_commit=False)


def configure(url: str) -> sessionmaker[Session]:
    """Points this process's sessions at the database behind `url`."""
    load_models()
    _sessions.configure(bind=make_engine(url))
    return _sessions


def sessions() -> sessionmaker[Session]:
    """The configured session factory of this process."""
    return _sessions


def engine() -> Engine:
    """The configured engine of this process."""
    bind = _sessions.kw.get("bind")
    if not isinstance(bind, Engine):
        raise RuntimeError("db.configure was not called in this process")
    return bind


@contextmanager
def session_scope() -> Iterator[Session]:
    """A session that commits at the end, or rolls back when an exception leaves it."""
    with _sessions() as session, session.begin():
        yield session


def fetch_owned(session: Session, model: type[Row], workspace_id: uuid.UUID | None, row_id: uuid.UUID) -> Row:
    """The row with this id in this workspace, or the operator's own. Raises NotFound, also for another's."""
    row = session.get(model, row_id)
    if row is None or getattr(row, "workspace_id", row_id) != workspace_id:
        raise NotFound(f"no such {model.__tablename__.rstrip('s').replace('_', ' ')}")
    return row


def doubt_about_commits() -> str:
    """One sentence when the database says "committed" before it is on disk; empty when it does not."""
    with session_scope() as session:
        if session.get_bind().dialect.name != "postgresql":
            return ""
        mode, fsync = (raw_sql.postgresql_setting(session, name) for name in ("synchronous_commit", "fsync"))
    if mode == "off" or fsync == "off":
        return (
            f"PostgreSQL acknowledges before the data is on disk (synchronous_commit={mode}, fsync={fsync}): "
            "a crash of the database may lose accepted mail."
        )
    return ""
