"""A workspace with one working setup, a scripted mail server behind it, and ways to queue and to send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy.orm import Session

from mailsetup.core import stopping
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import queue_mail
from mailsetup.outbox.drain import Drain
from mailsetup.outbox.models import Message
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.outbox import smtp_server
from tests.outbox.smtp_server import Server

Queue = Callable[..., Message]


@pytest.fixture
def smtp() -> Iterator[Server]:
    with smtp_server.running() as server:
        yield server


@pytest.fixture
def workspace(session: Session) -> Workspace:
    return factories.make_workspace(session)


@pytest.fixture
def config(session: Session, workspace: Workspace, smtp: Server) -> OutboundConfig:
    return factories.make_config(session, workspace, settings=setup_settings(smtp))


def setup_settings(smtp: Server, **changes: Any) -> dict[str, Any]:
    return factories.smtp_settings(host="127.0.0.1", port=smtp.port, **changes)


def mail(**changes: str) -> EmailMessage:
    """A small mail; headers are given as keywords."""
    message = EmailMessage()
    message["To"] = "customer@fabrikam.example"
    message["Subject"] = "Your invoice"
    message.set_content("Here it is.\n")
    for name, value in changes.items():
        del message[name.replace("_", "-")]
        message[name.replace("_", "-")] = value
    return message


@pytest.fixture
def queue(session: Session, workspace: Workspace) -> Queue:
    """Queues a mail and commits."""

    def queued(message: EmailMessage | None = None, **options: Any) -> Message:
        row = queue_mail(session, workspace, message or mail(), **options)
        session.commit()
        return row

    return queued


@pytest.fixture
def send(session: Session) -> Callable[[], None]:
    """Sends everything that is due, in this process."""

    def sent() -> None:
        session.commit()
        stopping._asked.clear()
        Drain(4, slice_seconds=10).run()
        session.expire_all()

    return sent
