"""Who this browser is signed in as (Flask-Login), and how a session begins and ends."""

from __future__ import annotations

import re
import uuid
from datetime import datetime

from flask import Flask, current_app, request, session
from flask_login import LoginManager, current_user, login_user, logout_user

from mailsetup.core.redact import Secret
from mailsetup.web.csrf import end_forms
from mailsetup.web.session import db_session
from mailsetup.workspaces import sessions
from mailsetup.workspaces.models import User, UserSession

TOKEN = "_user_id"  # noqa: S105 - Flask-Login's name for what it keeps in the cookie
WORKSPACE = "workspace_id"
PENDING = "second_step"
# In this order: every browser names those behind it too.
BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = ("Windows", "Android", "iPhone", "iPad", "Mac OS", "CrOS", "Linux")


class SignedIn:
    """A person as Flask-Login knows them; what the cookie keeps is the random token of the session."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, row: UserSession, token: str) -> None:
        self.row = row
        self._token = token

    def get_id(self) -> str:
        """What the cookie keeps."""
        return self._token


def init_login(app: Flask) -> None:
    """Puts Flask-Login into the app."""
    manager = LoginManager()
    # It would compare addresses and browsers, which change on a train; our sessions end by themselves.
    manager.session_protection = None
    manager.user_loader(load_signed_in)
    manager.init_app(app)


def load_signed_in(token: str) -> SignedIn | None:
    """The person behind the cookie: one indexed read, and every five minutes a write."""
    row = sessions.find(db_session(), token)
    if row is None:
        return None
    if sessions.note_seen(db_session(), row):
        db_session().commit()
    return SignedIn(row, token)


def signed_in_session() -> UserSession | None:
    """The session of this request, if somebody is signed in."""
    if not hasattr(current_app, "login_manager") or not current_user.is_authenticated:
        return None
    row: UserSession = current_user.row
    return row


def signed_in_user() -> User | None:
    """The person of this request, if one is signed in."""
    row = signed_in_session()
    return row.user if row else None


def begin_session(user: User, *, strong: bool = False, proved_at: datetime | None = None) -> None:
    """Signs the person in with a session that keeps nothing of what was there before; the caller commits.

    With `proved_at` the person proved who they are at that time, and not just now.
    """
    row, token = _fresh_row(user, strong=strong)
    row.proved_at = min(proved_at or row.proved_at, row.proved_at)
    login_user(SignedIn(row, token.reveal()))


def begin_pending(user: User, *, proved_at: datetime | None = None) -> None:
    """Notes that the person knew the password and still has to show the second factor; the caller commits.

    With `proved_at` they proved the first one at that time, and not just now.
    """
    row, token = _fresh_row(user, pending=True)
    row.proved_at = min(proved_at or row.proved_at, row.proved_at)
    session[PENDING] = token.reveal()


def _fresh_row(user: User, **kind: bool) -> tuple[UserSession, Secret]:
    _end_row()
    session.clear()
    browser = browser_words(request.headers.get("User-Agent", ""))
    return sessions.begin(db_session(), user, browser=browser, address=request.remote_addr or "", **kind)


def pending_session() -> UserSession | None:
    """Whose second factor this browser waits for."""
    return sessions.find(db_session(), str(session.get(PENDING, "")), pending=True)


def renew_session(user: User, *, strong: bool | None = None) -> None:
    """Keeps this browser signed in while the person's other sessions end; the caller commits.

    It is as fresh as it was: a password alone is no new proof of who has a second factor.
    """
    workspace_id, row = session.get(WORKSPACE), signed_in_session()
    was_strong, proved_at = (row.strong, row.proved_at) if row else (False, None)
    sessions.end_all(db_session(), user.id)
    begin_session(user, strong=was_strong if strong is None else strong, proved_at=proved_at)
    session[WORKSPACE] = workspace_id


def prove_again(*, strong: bool = False) -> None:
    """Notes that whoever is signed in proved it again; the cookie changes, and the caller commits."""
    row = signed_in_session()
    if row is not None:
        login_user(SignedIn(row, sessions.prove_again(db_session(), row, strong=strong).reveal()))


def remember_workspace(workspace_id: uuid.UUID) -> None:
    """Notes which workspace the person looks at; every request checks again that they may.

    Forms that were opened in another one end: what was typed for one customer would be done for another.
    """
    if session.get(WORKSPACE, str(workspace_id)) != str(workspace_id):
        end_forms()
    session[WORKSPACE] = str(workspace_id)


def end_session() -> None:
    """Signs the person out, and everybody who has a copy of this browser's cookie; the caller commits."""
    _end_row()
    logout_user()
    session.clear()


def _end_row() -> None:
    for row in (signed_in_session(), pending_session()):
        if row is not None:
            sessions.end(db_session(), row.user_id, row.id)


def browser_words(agent: str) -> str:
    """A browser as a person calls it: Firefox on Windows."""
    name = next((name for sign, name in BROWSERS if re.search(rf"\b{sign}\w*/", agent)), "")
    system = next((system for system in SYSTEMS if system in agent), "")
    return f"{name or 'A browser'} on {system}" if system else name or "A program"
