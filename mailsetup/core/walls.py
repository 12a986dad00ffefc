"""The wall between workspaces: which workspace's rows the present work may see.

On PostgreSQL row-level security asks for it in every transaction. A web request begins with nothing and is let into
one workspace once it is known whose it is. What serves all workspaces (workers, the scheduler, commands) sees all, and
narrows itself where it works for one. On SQLite, which has no such thing, nothing happens here.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token

from psycopg import Error as DriverError
from psycopg import pq
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from mailsetup.core import raw_sql
from mailsetup.core.errors import SettingsError
from mailsetup.core.raw_sql import EVERYWHERE

NOWHERE = ""
_scope: ContextVar[str] = ContextVar("mailsetup_workspace", default=EVERYWHERE)
_TOLD = "mailsetup_workspace"


def guard(engine: Engine) -> None:
    """Every transaction of this engine says what it may see, raw SQL's too."""
    event.listen(engine, "begin", _tell)


def _tell(connection: Connection) -> None:
    scope = _scope.get()
    connection.info[_TOLD] = scope
    if scope != NOWHERE:
        with _usual_errors(connection):
            raw_sql.begin_in_scope(connection, scope)


@contextmanager
def _usual_errors(connection: Connection) -> Iterator[None]:
    """Whoever waits for a database that went away waits for SQLAlchemy's errors, and knows none of the driver's."""
    try:
        yield
    except DriverError as error:
        connection.invalidate(error)
        raise OperationalError("set_config", None, error, connection_invalidated=True) from error


def close_for_request() -> Token[str]:
    """From here on nothing of any workspace is seen."""
    return _scope.set(NOWHERE)


def reopen(token: Token[str]) -> None:
    """The request is over."""
    _scope.reset(token)


def narrow(session: Session, workspace_id: uuid.UUID) -> None:
    """From here on this request sees one workspace."""
    _scope.set(str(workspace_id))
    _tell_again(session)


def widen(session: Session) -> None:
    """From here on this request sees every workspace: for the few pages that look for a key, a link or a person."""
    _scope.set(EVERYWHERE)
    _tell_again(session)


@contextmanager
def across(session: Session) -> Iterator[None]:
    """A question that has to cross workspaces, such as whose API key this is or which workspaces a person is in.

    Whoever narrows the request in here stays there; else it sees what it saw before.
    """
    before = _scope.get()
    widen(session)
    try:
        yield
    finally:
        if _scope.get() == EVERYWHERE:
            _scope.set(before)
            _tell_again(session)


def scope() -> str:
    """What the present work may see: one workspace's id, everything, or nothing."""
    return _scope.get()


@contextmanager
def as_before(session: Session, scope: str) -> Iterator[None]:
    """What was decided earlier in this request is done now, seeing what it saw then."""
    token = _scope.set(scope)
    _tell_again(session)
    try:
        yield
    finally:
        _scope.reset(token)
        _tell_again(session)


@contextmanager
def only(workspace_id: uuid.UUID) -> Iterator[None]:
    """Work for one workspace in a process that serves all: what begins in here sees no other."""
    with _begun_in(str(workspace_id)):
        yield


@contextmanager
def everywhere() -> Iterator[None]:
    """Work for all in the middle of work for one: what begins in here sees every workspace again."""
    with _begun_in(EVERYWHERE):
        yield


@contextmanager
def _begun_in(scope: str) -> Iterator[None]:
    token = _scope.set(scope)
    try:
        yield
    finally:
        _scope.reset(token)


def admit(session: Session, workspace_id: uuid.UUID) -> None:
    """Lets a transaction of somebody else's engine, which says nothing of workspaces, work for this one."""
    bind = session.get_bind()
    engine = bind if isinstance(bind, Engine) else bind.engine
    if engine.dialect.name == "postgresql" and not event.contains(engine, "begin", _tell):
        with _usual_errors(session.connection()):
            raw_sql.set_scope(session.connection(), str(workspace_id))


def _tell_again(session: Session) -> None:
    if not session.in_transaction() or session.get_bind().dialect.name != "postgresql":
        return
    connection, scope = session.connection(), _scope.get()
    if connection.info.get(_TOLD) == scope or _is_broken(connection):
        return
    connection.info[_TOLD] = scope
    with _usual_errors(connection):
        raw_sql.set_scope(connection, scope)


def _is_broken(connection: Connection) -> bool:
    """Whether the transaction failed: it can only be rolled back, and forgets what it was told."""
    driver = connection.connection.driver_connection
    return driver is None or driver.info.transaction_status == pq.TransactionStatus.INERROR


def refuse_weak_walls(engine: Engine) -> None:
    """Raises SettingsError when the run-time role is held by no wall, or a table has none; away is no refusal."""
    if engine.dialect.name != "postgresql":
        return
    try:
        with engine.connect() as connection:
            bypasses, open_tables = raw_sql.bypasses_walls(connection), raw_sql.unwalled_tables(connection)
    except OperationalError:
        return
    finally:
        engine.dispose()  # whoever forks next must not inherit a connection
    if bypasses:
        raise SettingsError(
            "MAILSETUP_DATABASE_URL signs in as a superuser or a role with BYPASSRLS, which no wall between workspaces "
            "holds back. Use an ordinary role."
        )
    if open_tables:
        raise SettingsError(
            f"The wall between workspaces is missing on {', '.join(open_tables)}; run `flask --app app db upgrade`."
        )
