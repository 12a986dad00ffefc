"""Rows 27-31 and 35: names that do not resolve, connections that hang, drip, break or end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert
from mailsetup.outbound.models import BROKEN, DEGRADED, HEALTHY, OutboundConfig
from mailsetup.outbox import queue_mail
from mailsetup.outbox.drain import Drain
from mailsetup.outbox.models import QUEUED, SENT
from tests import factories
from tests.core.egress_doors import answers
from tests.fakes.smtp_server import HANG_UP, Conversation, SMTPServer
from tests.faults.upkeep import due_now, fresh
from tests.outbox.conftest import Queue, mail, setup_settings
from tests.outbox.smtp_server import Server
from tests.processes import until

Send = Callable[[], None]
Shorten = Callable[..., None]
HOST = "mail.fabrikam.example"
REAL = socket.getaddrinfo


def resolver(monkeypatch: pytest.MonkeyPatch, *rounds: Any) -> None:
    """Each look-up of our host gets the next round's answer, an exception or a function; the last one for ever."""
    waiting = list(rounds)

    def look_up(host: str, *more: Any, **named: Any) -> Any:
        if host != HOST:
            return REAL(host, *more, **named)
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def name_host(config: OutboundConfig, session: Session, host: str = HOST) -> None:
    config.settings = {**config.settings, "host": host}
    session.commit()


@pytest.mark.parametrize(
    ("answer", "health"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no such name"), BROKEN),
        (socket.gaierror(socket.EAI_AGAIN, "the server failed"), DEGRADED),
        (lambda: threading.Event().wait(2) or answers("127.0.0.1"), DEGRADED),
    ],
    ids=["NXDOMAIN", "SERVFAIL", "timeout"],
)
def test_row_27_the_name_does_not_resolve(
    answer: Any,
    health: str,
    config: OutboundConfig,
    queue: Queue,
    send: Send,
    session: Session,
    timeouts: Shorten,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timeouts(resolve=0.3)
    resolver(monkeypatch, answer)
    name_host(config, session)
    row = queue()
    began = time.monotonic()
    send()
    assert time.monotonic() - began < 3
    fresh(session)
    assert (row.status, row.retry_step, config.health) == (QUEUED, 0, health)
    assert len(session.scalars(select(Alert)).all()) == (health == BROKEN)


class TestRow28:
    @pytest.fixture
    def settings_changes(self) -> dict[str, Any]:
        return {"egress_allow": ()}

    def test_row_28_the_name_turns_private_between_check_and_connect(
        self,
        config: OutboundConfig,
        queue: Queue,
        send: Send,
        smtp: Server,
        session: Session,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        dialled: list[Any] = []

        def dial(where: Any, *_: Any) -> socket.socket:
            dialled.append(where[0])
            raise TimeoutError

        monkeypatch.setattr(socket, "create_connection", dial)
        config.settings = {**config.settings, "host": HOST, "port": 587}
        session.commit()
        row = queue()
        for round_ in (answers("8.8.8.8"), answers("127.0.0.1"), answers("8.8.8.8", "127.0.0.1")):
            resolver(monkeypatch, round_, answers("127.0.0.1"))
            config.health = HEALTHY
            due_now(session)
            send()
        assert set(dialled) == {"8.8.8.8"}
        assert (row.status, smtp.connections) == (QUEUED, 0)


@contextmanager
def black_hole(address: str, port: int) -> Iterator[None]:
    """Takes no connection and refuses none: its queue is full, so the kernel drops what comes."""
    with socket.socket() as listener:
        listener.bind((address, port))
        listener.listen(0)
        stuffed = [socket.socket() for _ in range(4)]
        for one in stuffed:
            one.setblocking(False)
            one.connect_ex((address, port))
        yield
        for one in stuffed:
            one.close()


def neighbour(session: Session, smtp: Server) -> None:
    """Another workspace with a setup and a mail."""
    workspace = factories.make_workspace(session, name="Fabrikam")
    factories.make_config(session, workspace, settings=setup_settings(smtp))
    queue_mail(session, workspace, mail(Subject="From the neighbour"))
    session.commit()


def test_row_29_an_address_swallows_connections(
    config: OutboundConfig,
    queue: Queue,
    smtp: Server,
    session: Session,
    timeouts: Shorten,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timeouts(connect=4.0)
    name_host(config, session)
    row = queue()
    neighbour(session, smtp)
    with black_hole("127.0.0.2", smtp.port):
        resolver(monkeypatch, answers("127.0.0.2"), answers("127.0.0.2", "127.0.0.1"))
        draining = threading.Thread(target=Drain(4, slice_seconds=10).run)
        began = time.monotonic()
        draining.start()
        until(lambda: smtp.mails)
        assert time.monotonic() - began < 3.9, "the neighbour waited for the swallowed connection"
        draining.join()
        fresh(session)
        assert (row.status, config.health, len(smtp.mails)) == (QUEUED, DEGRADED, 1)
        due_now(session)
        Drain(4, slice_seconds=10).run()
    fresh(session)
    assert (row.status, len(smtp.mails)) == (SENT, 2)


def test_row_30_the_server_drips(
    config: OutboundConfig, queue: Queue, send: Send, session: Session, timeouts: Shorten
) -> None:
    timeouts(session=1.0, command=30)

    def drip(talk: Conversation) -> None:
        while not talk.server.release.wait(0.05):
            talk.write(b"2")

    with SMTPServer() as tarpit:
        tarpit.replies["MAIL"] = drip
        config.settings = {**config.settings, "port": tarpit.port}
        session.commit()
        row = queue()
        began = time.monotonic()
        send()
        assert 0.9 < time.monotonic() - began < 6
    assert (row.status, row.possible_duplicate, config.health) == (QUEUED, False, DEGRADED)


def reset(talk: Conversation) -> None:
    """Takes the beginning of a mail, then ends the connection the rude way."""
    talk.write("354 go on")
    talk.socket.recv(10_000)
    talk.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    talk.file.close()
    talk.socket.close()


def test_row_31_the_connection_is_reset_in_the_middle_of_the_mail(
    config: OutboundConfig, queue: Queue, send: Send, session: Session
) -> None:
    with SMTPServer() as server:
        server.features = ()
        server.replies["DATA"] = [reset, "354 go on"]
        config.settings = {**config.settings, "port": server.port}
        session.commit()
        message = mail()
        message.set_content("x" * 70 + "\n" + ("y" * 70 + "\n") * 100_000)
        row = queue(message)
        send()
        assert (row.status, row.possible_duplicate, server.mails) == (QUEUED, False, [])
        due_now(session)
        send()
        assert (row.status, row.possible_duplicate, len(server.mails)) == (SENT, False, 1)


@pytest.mark.parametrize(
    ("verb", "status", "doubled"),
    [("greeting", QUEUED, False), ("DATA", QUEUED, False), (".", QUEUED, True), ("QUIT", SENT, False)],
)
def test_row_35_the_server_hangs_up(
    verb: str, status: str, doubled: bool, config: OutboundConfig, queue: Queue, send: Send, session: Session
) -> None:
    with SMTPServer() as server:
        server.replies[verb] = HANG_UP
        config.settings = {**config.settings, "port": server.port}
        session.commit()
        row = queue()
        send()
        assert (row.status, row.possible_duplicate) == (status, doubled)
        del server.replies[verb]
        due_now(session)
        send()
        assert (row.status, row.possible_duplicate) == (SENT, doubled)
        assert len(server.mails) == 1 + doubled
        assert len(set(server.mails)) == 1
