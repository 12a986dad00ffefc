"""The mail server of a campaign: remembers every whole mail it was given, and sometimes hangs up unanswered."""

from __future__ import annotations

import contextlib
import hashlib
import random
import re
import socketserver
import threading
from collections import defaultdict

MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<[^>]+>)", re.IGNORECASE | re.MULTILINE)
HANG_UPS = 0.0005


class Sink(socketserver.ThreadingTCPServer):
    """`copies` holds the digest of each copy, by Message-ID."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.copies: dict[str, list[str]] = defaultdict(list)
        self.chance = random.Random(seed)
        self.lock = threading.Lock()
        self.hang_ups = 0
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def take(self, content: bytes) -> bool:
        """Keeps a whole mail; whether to answer."""
        found = MESSAGE_ID.search(content)
        with self.lock:
            self.copies[found[1].decode() if found else "?"].append(hashlib.sha256(content).hexdigest())
            answers = self.chance.random() >= HANG_UPS
            self.hang_ups += not answers
        return answers


class _Conversation(socketserver.StreamRequestHandler):
    server: Sink

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self._say("220 sink")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    if not self._data():
                        return
                elif verb == b"EHLO":
                    self._say("250-sink\r\n250-PIPELINING\r\n250 8BITMIME")
                else:
                    self._say("221 bye" if verb == b"QUIT" else "250 ok")

    def _data(self) -> bool:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line[1:] if line.startswith(b".") else line)
        if not line or not self.server.take(b"".join(lines)):
            return False
        self._say("250 2.0.0 queued")
        return True

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())
