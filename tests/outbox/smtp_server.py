"""A scripted SMTP server on loopback: says what a test tells it to, and keeps every whole mail it was given."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections import defaultdict
from collections.abc import Iterator


class Server(socketserver.ThreadingTCPServer):
    """Answers 250 to everything, unless `answers[verb]` holds replies; `hold` keeps it from answering the mail."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128  # the usual 5 are full for a moment when many lanes come at once

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.answers: dict[str, list[str]] = defaultdict(list)
        self.mails: list[bytes] = []
        self.envelopes: list[tuple[str, ...]] = []
        self.hosts: list[str] = []  # who introduced itself as what, for each mail
        self.connections = 0
        self.hold = threading.Event()
        self.hold.set()
        self.got_mail = threading.Event()
        self.busy = self.busiest = 0

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Conversation(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        self.server.connections += 1
        self.recipients: list[str] = []
        self.host = ""
        with contextlib.suppress(OSError):
            self._say("220 ready")
            while line := self.rfile.readline():
                if not self._answer(line.decode().strip()):
                    return

    def _answer(self, line: str) -> bool:
        verb = line.split(":", maxsplit=1)[0].split(" ", maxsplit=1)[0].upper()
        planned = self.server.answers[verb]
        if planned:
            return self._planned(planned.pop(0))
        if verb == "DATA":
            return self._data()
        if verb == "RCPT":
            self.recipients.append(line[line.index("<") + 1 : line.index(">")])
        if verb == "EHLO":
            self.host = line[5:]
        if verb in {"MAIL", "RSET"}:
            self.recipients = []
        self._say({"QUIT": "221 bye"}.get(verb, "250 fine"))
        return verb != "QUIT"

    def _planned(self, reply: str) -> bool:
        if reply == "hang up":
            self.connection.shutdown(socket.SHUT_RDWR)
            return False
        self._say(reply)
        return True

    def _data(self) -> bool:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if not line:
            return False
        self.server.mails.append(b"".join(lines))
        self.server.envelopes.append(tuple(self.recipients))
        self.server.hosts.append(self.host)
        self.server.got_mail.set()
        self.server.busy += 1
        self.server.busiest = max(self.server.busiest, self.server.busy)
        self.server.hold.wait(30)
        self.server.busy -= 1
        planned = self.server.answers["."]
        return self._planned(planned.pop(0) if planned else "250 2.0.0 queued as A1B2")

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """A server that listens until the block is left."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.hold.set()
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def slow() -> Iterator[Server]:
    """A server that answers nobody until `hold` is set."""
    with running() as server:
        server.hold.clear()
        yield server
