"""One database session for each request."""

from __future__ import annotations

from flask import Flask, current_app, g
from sqlalchemy.orm import Session

SESSIONS = "mailsetup.sessions"


def db_session() -> Session:
    """The session of this request; a view commits it, whatever it leaves uncommitted is rolled back."""
    if "db_session" not in g:
        g.db_session = current_app.extensions[SESSIONS]()
    session: Session = g.db_session
    return session


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


def install_session(app: Flask) -> None:
    """Closes the session when the request is over."""
    app.teardown_appcontext(close_session)
