"""The people of the tests, and the browsers they are signed in with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from mailsetup.workspaces import sessions
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.login import TOKEN, WORKSPACE
from mailsetup.workspaces.models import Member, User, Workspace
from tests import factories


class Client(FlaskClient):
    """A browser that lets the test's session see what a request changed, and the other way round."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        session: Session = self.application.extensions["tests.session"]
        session.commit()
        response = super().open(*args, **kwargs)
        session.expire_all()
        return response


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    user: User
    workspace: Workspace
    member: Member
    client: FlaskClient

    @property
    def actor(self) -> Actor:
        """The person as the audit trail names them."""
        return Actor(self.user.email, self.user.id)


def founder(app: Flask, session: Session, *, name: str, email: str, workspace_name: str) -> Person:
    """A person with a workspace of their own."""
    user = factories.make_user(session, name=name, email=email)
    workspace = factories.make_workspace(session, name=workspace_name, owner=user)
    member = session.query(Member).filter_by(user_id=user.id).one()
    session.commit()
    return Person(user, workspace, member, signed_in_client(app, user, workspace))


def colleague(app: Flask, session: Session, somebody: Person, *, name: str, email: str, role: str) -> Person:
    """A person in somebody's workspace."""
    user = factories.make_user(session, name=name, email=email)
    member = factories.make_member(session, somebody.workspace, user, role=role)
    session.commit()
    return Person(user, somebody.workspace, member, signed_in_client(app, user, somebody.workspace))


def signed_in_client(app: Flask, user: User, workspace: Workspace | None = None) -> FlaskClient:
    """A browser with a session of this person, as signing in leaves it."""
    client = app.test_client()
    session: Session = app.extensions["tests.session"]
    _, token = sessions.begin(session, user, browser="Firefox on Linux", address="192.0.2.1")
    session.commit()
    with client.session_transaction() as cookie:
        cookie[TOKEN] = token.reveal()
        cookie["_fresh"] = True
        if workspace is not None:
            cookie[WORKSPACE] = str(workspace.id)
    return client
