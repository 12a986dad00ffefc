"""More callers than threads, each slow in its own way, at the web process as production starts it."""

from __future__ import annotations

import http.client
from contextlib import ExitStack

import pytest

from tests.web.server.serving import called, heard, served

MANY = 20
HALF_A_LINE = b"GET / HT"
HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
HALF_A_BODY = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf"
HALF_A_CHUNK = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha"
# Far more than any kernel takes for a caller who does not read.
ANSWERS = 200
UNREAD = b"GET /pieces/3 HTTP/1.1\r\nHost: localhost\r\n\r\n" * ANSWERS
UNCLOSED = b"GET / HTTP/1.0\r\n\r\n"
WAYS = {
    "silence": b"",
    "half a line": HALF_A_LINE,
    "half a head": HALF_A_HEAD,
    "half a body": HALF_A_BODY,
    "half a chunk": HALF_A_CHUNK,
    "answers never read": UNREAD,
    "connections never closed": UNCLOSED,
}


def answer(port: int, body: bytes | None = None) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST" if body else "GET", "/", body)
    return connection.getresponse().read()


@pytest.mark.parametrize("way", WAYS)
def test_it_answers_others_at_once(port: int, way: str) -> None:
    with ExitStack() as stack:
        callers = [stack.enter_context(called(port, WAYS[way])) for _ in range(MANY)]
        for _ in range(3):
            assert answer(port) == b"ok"
            for caller in callers if WAYS[way].startswith((HALF_A_HEAD, HALF_A_BODY)) else ():
                caller.send(b"x")
        assert answer(port, b"a body") == b"a body"


def test_it_answers_others_while_a_great_answer_is_not_read(port: int) -> None:
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(called(port, b"GET /pieces/200 HTTP/1.1\r\nHost: localhost\r\n\r\n")).recv(1)
        assert answer(port) == b"ok"


def test_it_sends_away_who_takes_too_long() -> None:
    with served("--worker-class", "tests.web.server.plain.Impatient") as port, ExitStack() as stack:
        callers = {way: stack.enter_context(called(port, said)) for way, said in WAYS.items()}
        unread = callers.pop("answers never read")
        assert callers.pop("silence").recv(1) == b""
        assert b"200 OK" in heard(callers.pop("connections never closed"))
        for caller in callers.values():
            assert heard(caller).startswith(b"HTTP/1.1 408 ")
        assert len(heard(unread)) < ANSWERS * 3 * 65536


def test_it_has_room_for_who_comes_last() -> None:
    with served("--worker-class", "tests.web.server.plain.Narrow") as port, ExitStack() as stack:
        callers = [stack.enter_context(called(port, HALF_A_HEAD)) for _ in range(9)]
        assert answer(port) == b"ok"
        assert callers[0].recv(1) == b""
        callers[-1].sendall(b"\r\n\r\n")
        assert callers[-1].recv(15) == b"HTTP/1.1 200 OK"
