"""The web process as the Procfile starts it, around a small application, and callers of it."""

from __future__ import annotations

import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailsetup.cli.development.programs import procfile
from tests.paths.product import wait_for
from tests.ports import free_port

TOP = Path(__file__).parents[3]


@contextmanager
def served(*more: str) -> Iterator[int]:
    """The port of the web line of the Procfile, with two threads and a small application."""
    port = free_port()
    words = [word for word in shlex.split(procfile()["web"]) if word != "app:app"]
    asked = ["--threads", "2", "--bind", f"127.0.0.1:{port}", "--log-level", "error", *more]
    with subprocess.Popen([sys.executable, "-m", *words, *asked, "tests.web.server.plain:app"], cwd=TOP) as process:
        wait_for(lambda: not socket.socket().connect_ex(("127.0.0.1", port)), what="the server")
        try:
            yield port
        finally:
            process.kill()


def called(port: int, said: bytes) -> socket.socket:
    caller = socket.socket()
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    caller.settimeout(30)
    caller.connect(("127.0.0.1", port))
    caller.sendall(said)
    return caller


def heard(caller: socket.socket) -> bytes:
    """Everything until the server hangs up."""
    parts = []
    try:
        while part := caller.recv(1 << 20):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)
