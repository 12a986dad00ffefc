"""One database session a request."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

from mailsetup.core.errors import Conflict
from mailsetup.web.session import db_session

ADD = text("INSERT INTO things (name) VALUES ('one')")


@pytest.fixture
def sessions(app: Flask) -> sessionmaker[Session]:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE things (name TEXT)"))
    made = sessionmaker(engine)
    app.extensions["mailsetup.sessions"] = made
    return made


@pytest.fixture
def client(app: Flask, sessions: sessionmaker[Session]) -> FlaskClient:
    def add(*, commit: bool = False, error: Exception | None = None) -> str:
        db_session().execute(ADD)
        if error:
            raise error
        if commit:
            db_session().commit()
        return "done"

    app.add_url_rule("/kept", "kept", view_func=lambda: add(commit=True))
    app.add_url_rule("/forgotten", "forgotten", view_func=add)
    app.add_url_rule("/refused", "refused", view_func=lambda: add(error=Conflict("Not now.")))
    app.add_url_rule("/failed", "failed", view_func=lambda: add(error=RuntimeError()))
    app.add_url_rule("/same", "same", view_func=lambda: str(db_session() is db_session()))
    return app.test_client()


def count(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return len(session.execute(text("SELECT name FROM things")).all())


@pytest.mark.parametrize(("path", "rows"), [("/kept", 1), ("/forgotten", 0), ("/refused", 0), ("/failed", 0)])
def test_it_keeps_only_what_was_committed(
    client: FlaskClient, sessions: sessionmaker[Session], path: str, rows: int
) -> None:
    client.get(path)
    assert count(sessions) == rows


def test_it_is_one_session_for_the_request(client: FlaskClient) -> None:
    assert client.get("/same").text == "True"


def test_it_opens_none_when_nobody_asks(app: Flask) -> None:
    assert app.test_client().get("/nothing").status_code == 404
