"""Who this browser is signed in as (Flask-Login), and how a session begins and ends."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

from flask import Flask, current_app, session
from flask_login import LoginManager, current_user, login_user, logout_user
from sqlalchemy import delete, select

from mailsetup.core.clock import utcnow
from mailsetup.web.session import db_session
from mailsetup.workspaces.models import EndedSession, User
from mailsetup.workspaces.tokens import new_token, token_hash

LONGEST_SECONDS = 12 * 3600
SINCE = "since"
SESSION_ID = "session_id"
WORKSPACE = "workspace_id"


class SignedIn:
    """A person as Flask-Login knows them; the id in the cookie ends with the person's session epoch."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, user: User) -> None:
        self.user = user

    def get_id(self) -> str:
        """What the cookie keeps: another password, another epoch, so older sessions find nobody."""
        return f"{self.user.id}.{self.user.session_epoch}"


def init_login(app: Flask) -> None:
    """Puts Flask-Login into the app."""
    manager = LoginManager()
    # Basic compares browser and address for what asks for a fresh session; the session itself stays.
    manager.session_protection = "basic"
    manager.user_loader(load_signed_in)
    manager.init_app(app)


def load_signed_in(cookie_id: str) -> SignedIn | None:
    """The person behind the cookie; nobody once their password changed or the session is twelve hours old."""
    user_id, _, epoch = cookie_id.partition(".")
    since = session.get(SINCE, 0)
    if not isinstance(since, int) or time.time() - since > LONGEST_SECONDS:
        return None
    try:
        wanted = select(User).where(User.id == uuid.UUID(user_id))
    except ValueError:
        return None
    # In the same question: a cookie that was copied must not outlive signing out (OWASP ASVS 5.0.0, 7.4.1).
    ended = select(EndedSession.id_hash).where(EndedSession.id_hash == _session_hash())
    user = db_session().scalar(wanted.where(~ended.exists()))
    return SignedIn(user) if user and str(user.session_epoch) == epoch else None


def _session_hash() -> str:
    return token_hash(str(session.get(SESSION_ID, "")))


def signed_in_user() -> User | None:
    """The person of this request, if one is signed in."""
    if not hasattr(current_app, "login_manager") or not current_user.is_authenticated:
        return None
    user: User = current_user.user
    return user


def begin_session(user: User) -> None:
    """Signs the person in with a session that keeps nothing of what was there before."""
    session.clear()
    session[SINCE] = int(time.time())
    session[SESSION_ID] = new_token()
    login_user(SignedIn(user))


def renew_session(user: User) -> None:
    """Keeps this browser signed in while the person's other sessions end."""
    workspace_id = session.get(WORKSPACE)
    begin_session(user)
    session[WORKSPACE] = workspace_id


def remember_workspace(workspace_id: uuid.UUID) -> None:
    """Notes which workspace the person looks at; every request checks again that they may."""
    session[WORKSPACE] = str(workspace_id)


def end_session() -> None:
    """Signs the person out, and everybody who has a copy of this browser's cookie; the caller commits."""
    if signed_in_user() is not None and _session_hash():
        _remember_end(_session_hash())
    logout_user()
    session.clear()


def _remember_end(id_hash: str) -> None:
    database = db_session()
    database.execute(delete(EndedSession).where(EndedSession.expires_at < utcnow()))
    database.merge(EndedSession(id_hash=id_hash, expires_at=utcnow() + timedelta(seconds=LONGEST_SECONDS)))
