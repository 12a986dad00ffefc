"""Callers that come in numbers, or take their time: real sockets, short times."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from mailsetup.gateway import door as module
from mailsetup.settings import Settings
from tests.gateway.test_door import door, key, signed_in
from tests.paths.product import wait_for

__all__ = ["key"]


@pytest.fixture
def port(settings: Settings, key: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(module, "CALLERS", 2)
    monkeypatch.setattr(module.Conversation, "open_now", {})
    with door(settings) as number:
        yield number


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENT_FOR", 0.3)
    monkeypatch.setattr(module, "UNKNOWN_FOR", 0.3)


def called(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def slow_reader(port: int) -> socket.socket:
    caller = socket.socket()
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    caller.settimeout(30)
    caller.connect(("127.0.0.1", port))
    return caller


def test_it_has_room_for_so_many_that_signed_in(port: int, key: str) -> None:
    with signed_in(port, key), signed_in(port, key), called(port) as third:
        assert third.recv(3) == b"421"
    wait_for(lambda: not module.Conversation.open_now, what="the end of both")
    with called(port) as later:
        assert later.recv(3) == b"220"


def test_it_makes_room_for_who_comes_last(port: int, key: str) -> None:
    strangers = [called(port) for _ in range(4)]
    with signed_in(port, key) as client:
        assert client.noop()[0] == 250
    for stranger in strangers:
        stranger.close()


def test_it_hangs_up_on_who_never_reads(hurry: None, port: int, key: str) -> None:
    said = b"\0user\0" + key.encode()
    with slow_reader(port) as caller:
        caller.sendall(b"EHLO me\r\nAUTH PLAIN " + base64.b64encode(said) + b"\r\n")
        talk_until_it_stops(caller)
        wait_for(lambda: not module.Conversation.open_now, what="the caller's place to be free")
        hear_it_hang_up(caller)


def talk_until_it_stops(caller: socket.socket) -> None:
    # One kernel shows the hang-up to a caller who only writes, another a full buffer until somebody reads.
    caller.settimeout(1)
    with pytest.raises(OSError, match=r"reset|pipe|timed out"):
        while True:
            caller.sendall(b"HELP\r\n" * 1000)


def hear_it_hang_up(caller: socket.socket) -> None:
    caller.settimeout(30)
    with suppress(ConnectionResetError):
        while caller.recv(100_000):
            pass


def test_it_sends_away_who_talks_and_never_signs_in(hurry: None, port: int) -> None:
    with called(port) as caller, pytest.raises(OSError, match=r"reset|pipe"):
        while True:
            caller.sendall(b"NOOP\r\n")
            if not caller.recv(1000):
                raise ConnectionResetError("reset")


def test_it_waits_for_no_line_that_comes_byte_by_byte(hurry: None, port: int) -> None:
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
