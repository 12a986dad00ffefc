"""The client, against the real application behind a real socket."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from mailsetup import client as client_module
from mailsetup.client import APIError, Client
from mailsetup.outbox.models import Message
from tests import factories
from tests.api.conftest import key_of
from tests.outbox.conftest import mail
from tests.people import Person


class Fault:
    """Stands between client and application: hides answers, or answers in its place."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app
        self.plan: Iterator[str] = iter(())
        self.requests = 0

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        self.requests += 1
        fault = next(self.plan, "")
        if fault == "tomorrow":
            start("429 Too Many", [("Retry-After", "40000"), ("Content-Type", "application/json")])
            return [b"{}"]
        if fault == "busy":
            start("503 Busy", [("Retry-After", "0"), ("Content-Type", "text/plain")])
            return [b"busy"]
        answer = self.app(environ, start)
        if fault == "lost":
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return answer


@pytest.fixture
def fault(app: Flask) -> Fault:
    return Fault(app.wsgi_app)


@pytest.fixture
def address(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(client_module, "PAUSES", (0.0,))
    server = make_server("127.0.0.1", 0, fault, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def mailer(address: str, session: Session, alice: Person) -> Iterator[Client]:
    factories.make_config(session, alice.workspace)
    client = Client(address, key_of(session, alice))
    yield client
    client.close()


def count(session: Session) -> int:
    session.commit()
    return session.scalar(select(func.count()).select_from(Message)) or 0


def test_it_queues_looks_and_cancels(mailer: Client) -> None:
    queued = mailer.send(mail(Subject="Grüße"), idempotency_key="order-42")
    assert mailer.get(queued["id"])["subject"] == "Grüße"
    assert mailer.cancel(queued["id"])["status"] == "cancelled"


def test_it_takes_fields_too(mailer: Client) -> None:
    queued = mailer.send({"to": "me@fabrikam.example", "subject": "x", "text": "y", "priority": "high"})
    assert mailer.get(queued["id"])["priority"] == "high"


@pytest.mark.parametrize("fault_name", ["busy", "lost"])
def test_it_tries_again_and_queues_once(mailer: Client, fault: Fault, session: Session, fault_name: str) -> None:
    fault.plan = iter([fault_name, fault_name])
    mailer.send(mail())
    assert fault.requests == 3
    assert count(session) == 1


def test_it_gives_up_in_the_end(mailer: Client, fault: Fault, session: Session) -> None:
    fault.plan = itertools.repeat("busy")
    with pytest.raises(APIError) as refused:
        mailer.send(mail())
    assert (refused.value.status, fault.requests) == (503, 5)


def test_it_names_the_wrong_fields(mailer: Client, fault: Fault) -> None:
    with pytest.raises(APIError) as refused:
        mailer.send({"to": "nobody", "subject": "x", "text": "y"})
    assert (refused.value.status, list(refused.value.errors), fault.requests) == (422, ["to"], 1)


def test_it_queues_many(mailer: Client, fault: Fault, session: Session) -> None:
    fault.plan = iter(["lost"])
    one = {"to": "me@fabrikam.example", "subject": "x", "text": "y"}
    results = mailer.send_many([one, {**one, "to": "nobody"}, one])
    assert ["error" in result for result in results] == [False, True, False]
    assert count(session) == 2


def test_it_keeps_its_key_to_itself(address: str) -> None:
    assert "oms_live_canary" not in repr(Client(address, "oms_live_canary"))
    with pytest.raises(APIError) as refused:
        Client(address, "oms_live_canary").send(mail())
    assert "canary" not in str(refused.value)


def test_it_does_not_wait_for_tomorrow(fault: Fault, mailer: Client) -> None:
    fault.plan = iter(["tomorrow"])
    with pytest.raises(APIError) as caught:
        mailer.send(mail())
    assert (caught.value.status, fault.requests) == (429, 1)
