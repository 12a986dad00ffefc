"""A setup, and a program with a key that may do everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from mailsetup.api.keys import create_key
from mailsetup.outbound.models import OutboundConfig
from tests import factories
from tests.people import Person

Call = Callable[..., Any]


@pytest.fixture
def config(session: Session, alice: Person) -> OutboundConfig:
    return factories.make_config(session, alice.workspace, name="Invoices")


def key_of(session: Session, person: Person, *scopes: str, name: str = "Shop") -> str:
    _, key = create_key(
        session,
        workspace_id=person.workspace.id,
        actor=person.actor,
        name=name,
        scopes=list(scopes or ("send", "read", "test")),
    )
    session.commit()
    return key.reveal()


def caller(client: FlaskClient, key: str) -> Call:
    """Calls the API with this key."""

    def call(method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {key}", **options.pop("headers", {})}
        return client.open(f"/api/v1{path}", method=method, headers=headers, **options)

    return call


@pytest.fixture
def call(client: FlaskClient, session: Session, alice: Person) -> Call:
    return caller(client, key_of(session, alice))
