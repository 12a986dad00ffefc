"""One database session for each request."""

from __future__ import annotations

from flask import Flask, current_app, g
from sqlalchemy.orm import Session

from mailsetup.core import walls

SESSIONS = "mailsetup.sessions"


def db_session() -> Session:
    """The session of this request; a view commits it, whatever it leaves uncommitted is rolled back."""
    if "db_session" not in g:
        g.db_session = current_app.extensions[SESSIONS]()
    session: Session = g.db_session
    return session


def _close_walls() -> None:
    g.walls = walls.close_for_request()


def _reopen_walls(_error: BaseException | None = None) -> None:
    token = g.pop("walls", None)
    if token is not None:
        walls.reopen(token)


def close_session(_error: BaseException | None = None) -> None:
    """Ends the request's session; closing it rolls back what was not committed."""
    session: Session | None = g.pop("db_session", None)
    if session is not None:
        session.close()


def roll_back() -> None:
    """Takes back what the request has not committed, so that a page about its failure can still be made."""
    session: Session | None = g.get("db_session")
    if session is not None:
        session.rollback()
    # Who asked may have been taken out meanwhile, and is looked for again.
    for known in ("member", "_login_user"):
        g.pop(known, None)


def install_session(app: Flask) -> None:
    """A request begins outside of every workspace; its session is closed when it is over."""
    app.before_request(_close_walls)
    app.teardown_request(_reopen_walls)
    app.teardown_appcontext(close_session)
