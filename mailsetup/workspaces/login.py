"""Who this browser is signed in as (Flask-Login), and how a session begins and ends."""

from __future__ import annotations

import time
import uuid

from flask import Flask, current_app, session
from flask_login import LoginManager, current_user, login_user, logout_user

from mailsetup.web.session import db_session
from mailsetup.workspaces.models import User

LONGEST_SECONDS = 12 * 3600
SINCE = "since"
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
        user = db_session().get(User, uuid.UUID(user_id))
    except ValueError:
        return None
    return SignedIn(user) if user and str(user.session_epoch) == epoch else None


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
    """Signs the person out."""
    logout_user()
    session.clear()
