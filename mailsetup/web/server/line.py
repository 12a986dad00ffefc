"""A caller's connection as gunicorn's threads see it: whole requests come in, answers go out without waiting.

The event loop reads and writes the socket. A thread waits for a caller only when the answers that nobody takes fill
their budget, and then with an end.
"""

from __future__ import annotations

import os
import select
import socket
import time
from typing import Any

from mailsetup.web.server.arriving import Arriving, Budget

UNREAD = Budget(64 * 1024 * 1024)
PIECE = 65536
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Line(socket.socket):
    """Never blocks; reads from what has arrived, and keeps what could not be sent."""

    def __init__(self, accepted: socket.socket, patience: float) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        super().settimeout(0)
        self.patience = patience
        self.request = Arriving()
        self.unsent = bytearray()
        self.broken = False

    def setblocking(self, flag: bool) -> None:
        """It never blocks, whatever is asked."""

    def settimeout(self, value: float | None) -> None:
        """It never waits, whatever is asked."""

    def hear(self, size: int = PIECE) -> bytes:
        """What the caller has said; nothing at the end. Raises BlockingIOError, OSError."""
        return super().recv(size)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """The next bytes of the request that is whole."""
        data = self.request.read(size)
        # A parser that wants more sees another end than we did: nothing that follows can be trusted.
        self.broken = self.broken or not data
        return data

    def say(self, words: bytes) -> None:
        """A few words of the loop's own, if the caller takes them now. Raises OSError."""
        self._send_now(memoryview(words))

    def say_continue(self) -> None:
        """Asks for the body of a caller that waits to be asked (RFC 9110 section 10.1.1). Raises OSError."""
        self.request.expects = False
        self.say(CONTINUE)

    def send(self, data: Any, flags: int = 0) -> int:
        """Gunicorn says nothing but *100 Continue* this way, and the body is here."""
        return len(data)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Sends what the caller takes now and keeps the rest. Raises OSError."""
        view = memoryview(data)
        sent = 0 if self.unsent else self._send_now(view)
        self._keep(view[sent:])
        self._wait_for_room()

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Sends so many bytes of a file, like anything else; gives how many. Raises OSError."""
        sent = 0
        while data := os.pread(file.fileno(), PIECE if count is None else min(PIECE, count - sent), offset + sent):
            self.sendall(data)
            sent += len(data)
        return sent

    def flush(self) -> None:
        """Sends more of what is kept. Raises OSError."""
        with memoryview(self.unsent) as view:
            sent = self._send_now(view)
        del self.unsent[:sent]
        UNREAD.take(-sent)

    def _send_now(self, view: memoryview) -> int:
        try:
            return super().send(view)
        except BlockingIOError:
            return 0

    def _keep(self, rest: memoryview) -> None:
        if rest:
            self.unsent += rest
            UNREAD.take(len(rest))

    def _wait_for_room(self) -> None:
        end = time.monotonic() + self.patience
        while self.unsent and UNREAD.empty:
            poll = select.poll()
            poll.register(self, select.POLLOUT)
            if not poll.poll(max(0, end - time.monotonic()) * 1000):
                self.forget()
                self.broken = True
                raise BrokenPipeError(32, "The caller takes the answer too slowly")
            self.flush()

    def next_request(self) -> bytes:
        """Is ready for another one, and gives what has come of it already."""
        beyond = self.request.beyond
        self.request.close()
        self.request = Arriving()
        return beyond

    def forget(self) -> None:
        """Nothing more is sent."""
        UNREAD.take(-len(self.unsent))
        self.unsent = bytearray()

    def close(self) -> None:
        """Hangs up and forgets what was kept."""
        self.forget()
        self.request.close()
        super().close()
