"""A workspace with a webhook that leads to a scripted receiver, and a way to call it now."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from mailsetup.core import stopping
from mailsetup.core.redact import Secret
from mailsetup.events.catalogue import WORDS
from mailsetup.events.emit import forget_endpoints
from mailsetup.events.endpoints import add_endpoint
from mailsetup.events.jobs import deliver_events
from mailsetup.events.models import EventEndpoint
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.fakes.http_server import Answer, Asked, HTTPServer


class Receiver:
    """A program that verifies each call; `down` hangs up, `status` is what it answers."""

    def __init__(self) -> None:
        self.down = False
        self.status = 200
        self.secrets: list[Secret] = []
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.server = HTTPServer(None, self.answer)

    def answer(self, asked: Asked) -> Answer:
        if self.down:
            return Answer(hang_up=True)
        if self.status < 300:
            headers = {name.lower(): value for name, value in asked.headers.items()}
            data = Webhook(self.secrets[-1].reveal()).verify(asked.body, headers)
            self.heard.append((headers["webhook-id"], json.loads(asked.body) if data is None else data))
        return Answer(self.status)

    def types(self) -> list[str]:
        return [data["type"] for _, data in self.heard]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    with found.server:
        yield found


@pytest.fixture
def workspace(session: Session) -> Workspace:
    return factories.make_workspace(session)


@pytest.fixture
def endpoint(session: Session, workspace: Workspace, receiver: Receiver) -> EventEndpoint:
    row, secret = add_endpoint(
        session, workspace_id=workspace.id, actor=SYSTEM, name="Shop", url=receiver.server.url, types=list(WORDS)
    )
    session.commit()
    receiver.secrets.append(secret)
    return row


@pytest.fixture
def call(session: Session) -> Callable[[], None]:
    """Calls whoever is due, in this process."""

    def called() -> None:
        session.commit()
        stopping._asked.clear()
        forget_endpoints()
        deliver_events()
        session.expire_all()

    return called
