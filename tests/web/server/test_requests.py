"""Requests in all their shapes: what is not slow is answered as before."""

from __future__ import annotations

import pytest

from tests.web.server.serving import called, heard

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
CHUNKS = b"5;name=value\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def bodies(answer: bytes) -> list[bytes]:
    return [part.split(b"HTTP/1.1")[0] for part in answer.split(b"\r\n\r\n")[1:]]


@pytest.mark.parametrize("step", [1, 7, 10000])
def test_it_reads_chunks_however_they_come(port: int, step: int) -> None:
    said = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS + LAST
    with called(port, b"") as caller:
        for at in range(0, len(said), step):
            caller.sendall(said[at : at + step])
        assert bodies(heard(caller)) == [b"hello world", b"ok"]


def test_it_answers_requests_that_come_together_in_their_order(port: int) -> None:
    asked = b"".join(HEAD + b"Content-Length: 1\r\n\r\n%d" % number for number in range(9))
    with called(port, asked + LAST) as caller:
        assert bodies(heard(caller)) == [*(b"%d" % number for number in range(9)), b"ok"]


def test_it_sends_so_much_of_a_file(port: int) -> None:
    with called(port, b"GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n" + LAST) as caller:
        assert bodies(heard(caller)) == [b"x" * 70000, b"ok"]


def test_it_takes_a_great_body_and_asks_for_it(port: int) -> None:
    size = 3 << 20
    with called(
        port, HEAD + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size
    ) as caller:
        assert caller.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.sendall(b"x" * size)
        caller.shutdown(1)
        answer = heard(caller)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert len(bodies(answer)[0]) == size


HIDDEN = b"GET /pieces/1 HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 0000000000000000000000000000000001\r\n",
        b"Content-Length: 0\r\nContent-Length: 44\r\n",
        b"Content-Length : 0\r\n",
        b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: chunked\r\nX: " + b"a" * 70000 + b"\r\n",
    ],
)
def test_it_serves_no_request_that_hides_in_another(port: int, lines: bytes) -> None:
    with called(port, HEAD + lines + b"\r\n" + HIDDEN) as caller:
        assert b"x" * 100 not in heard(caller)


@pytest.mark.parametrize("chunks", [b"-1\r\n", b"zz\r\n", b"1" * 9000, b"+1\r\na\r\n0\r\n\r\n"])
def test_it_refuses_chunks_without_sense(port: int, chunks: bytes) -> None:
    with called(port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + HIDDEN) as caller:
        answer = heard(caller)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"x" * 100 not in answer


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"2\r\nabXX0\r\n\r\n", b"0\r\nX: a\n\r\n"])
def test_it_answers_once_where_nobody_read_chunks_without_sense(port: int, chunks: bytes) -> None:
    asked = HEAD.replace(b"/ ", b"/unread ") + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
    with called(port, asked + HIDDEN) as caller:
        answer = heard(caller)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1") == 1
