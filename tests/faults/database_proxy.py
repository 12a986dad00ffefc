"""Stands between the product and its database: takes it away, gives it back, swallows the answer to a commit."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import event

from mailsetup.core import db, raw_sql

RESULT = "UPDATE delivery_attempts"
SOCKET = ".s.PGSQL.5432"


class Faulty(Protocol):
    """A database with a switch."""

    def take_away(self) -> None:
        """From now on nobody reaches it; who is connected is cut off."""

    def give_back(self) -> None:
        """It is there again."""

    def swallow_commit(self) -> None:
        """The next commit of a result is done, but its answer never arrives."""


class PostgresProxy:
    """A unix socket in front of a cluster's."""

    def __init__(self, folder: Path, target: str) -> None:
        self.target, self.path = target, folder / SOCKET
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(100)
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.away, self.swallow = False, False
        threading.Thread(target=self._accept, daemon=True).start()

    def take_away(self) -> None:
        self.away = True
        for pair in self.pairs:
            _cut(*pair)
        self.pairs.clear()

    def give_back(self) -> None:
        self.away = False

    def swallow_commit(self) -> None:
        self.swallow = True

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                if self.away:
                    client.close()
                    continue
                server = socket.socket(socket.AF_UNIX)
                server.connect(self.target)
                self.pairs.append((client, server))
                threading.Thread(target=self._up, args=(client, server), daemon=True).start()
                threading.Thread(target=_down, args=(server, client), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        result = False
        with suppress(OSError):
            while piece := client.recv(65536):
                result = result or RESULT.encode() in piece
                if b"COMMIT" in piece and result and self.swallow:
                    self.swallow = False
                    _cut(client)
                    server.sendall(piece)
                    server.recv(65536)
                    break
                result = result and b"COMMIT" not in piece
                server.sendall(piece)
        _cut(client, server)


def _down(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while piece := server.recv(65536):
            client.sendall(piece)
    _cut(client, server)


def _cut(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


class LockedFile:
    """SQLite has no server to stop: somebody holds its write lock, and an answer is swallowed in the driver."""

    def __init__(self, path: str) -> None:
        self.lock = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.swallow = multiprocessing.Event()
        self.result = threading.local()
        engine = db.engine()
        self.patience, raw_sql.LOCK_SECONDS = raw_sql.LOCK_SECONDS, 0.05
        event.listen(engine, "before_cursor_execute", self._note)
        self._really_commit = engine.dialect.do_commit
        engine.dialect.do_commit = self._commit  # type: ignore[method-assign, assignment]
        engine.dispose()

    def take_away(self) -> None:
        self.lock.execute("BEGIN IMMEDIATE")

    def give_back(self) -> None:
        self.lock.execute("ROLLBACK")

    def swallow_commit(self) -> None:
        self.swallow.set()

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.result.seen = getattr(self.result, "seen", False) or statement.startswith(RESULT)

    def _commit(self, connection: Any) -> None:
        self._really_commit(connection)
        seen, self.result.seen = getattr(self.result, "seen", False), False
        if seen and self.swallow.is_set():
            self.swallow.clear()
            raise sqlite3.OperationalError("the connection was lost")


@contextmanager
def faulty(database_url: str, folder: Path) -> Iterator[Faulty]:
    """Points the product at its database by way of a switch."""
    if database_url.startswith("sqlite"):
        locked = LockedFile(database_url.removeprefix("sqlite:///"))
        yield locked
        locked.lock.close()
        raw_sql.LOCK_SECONDS = locked.patience
        return
    short = Path(f"/tmp/mailsetup-{os.getpid()}-{folder.name[-20:]}")
    short.mkdir()
    host = parse_qs(urlsplit(database_url).query)["host"][0]
    proxy = PostgresProxy(short, f"{host}/{SOCKET}")
    db.configure(database_url.replace(f"host={host}", f"host={short}"))
    try:
        yield proxy
    finally:
        db.engine().dispose()
        proxy.listener.close()
        proxy.path.unlink()
        short.rmdir()
