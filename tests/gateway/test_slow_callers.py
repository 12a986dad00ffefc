"""Callers that come in numbers, or take their time: real sockets, short times."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from mailsetup.gateway import door as module
from mailsetup.settings import Settings
from tests.gateway.test_door import door


@pytest.fixture
def port(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(module, "CALLERS", 2)
    monkeypatch.setattr(module.Conversation, "open_now", set())
    monkeypatch.setattr(module, "SILENT_FOR", 0.3)
    monkeypatch.setattr(module, "UNKNOWN_FOR", 0.3)
    with door(settings) as number:
        yield number


def called(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def test_it_has_room_for_so_many_and_for_others_when_they_are_gone(port: int) -> None:
    first, second, third = (called(port) for _ in range(3))
    assert [caller.recv(3) for caller in (first, second, third)] == [b"220", b"220", b"421"]
    for caller in (first, second):
        while caller.recv(1000):
            pass
    with called(port) as later:
        assert later.recv(3) == b"220"
    for caller in (first, second, third):
        caller.close()


def test_it_sends_away_who_talks_and_never_signs_in(port: int) -> None:
    with called(port) as caller, pytest.raises(OSError, match=r"reset|pipe"):
        while True:
            caller.sendall(b"NOOP\r\n")
            if not caller.recv(1000):
                raise ConnectionResetError("reset")


def test_it_waits_for_no_line_that_comes_byte_by_byte(port: int) -> None:
    with called(port) as caller:
        caller.recv(1000)
        caller.sendall(b"EHL")
        answer = b""
        try:
            while part := caller.recv(1000):
                answer += part
        except ConnectionResetError:
            pass
        assert b"250" not in answer
