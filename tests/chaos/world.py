"""The product as processes, its Redis and its database, and the ways to hurt them."""

from __future__ import annotations

import base64
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Protocol

import psycopg

from tests.databases import create_tables
from tests.postgresql_server import Cluster, programs
from tests.valkey_server import ValkeyServer

TOP = Path(__file__).parents[2]
PROGRAMS = {
    "worker-1": ["mailsetup.cli.worker", "mail"],
    "worker-2": ["mailsetup.cli.worker", "mail"],
    "scheduler": ["mailsetup.schedule"],
}


class Database(Protocol):
    """A database that can be restarted."""

    url: str

    def restart(self) -> None:
        """Ends it as a crash would, and starts it again."""

    def stop(self) -> None:
        """Ends it for good."""


class Postgres(Cluster):
    """A cluster that acknowledges a commit only when its log is written, and recovers from a crash."""

    def __init__(self, bin_folder: Path) -> None:
        super().__init__(bin_folder)
        self.start()
        self.command = [
            str(part).replace("synchronous_commit=off", "synchronous_commit=on") for part in self._arguments()
        ]
        self.url = self.create_database("chaos")
        self.restart()
        create_tables(self.url)

    def _arguments(self) -> list[str]:
        assert self.process is not None
        given = self.process.args
        return [str(part) for part in given] if isinstance(given, list) else []

    def restart(self) -> None:
        """Immediate shutdown: no checkpoint, as after a crash."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(self.command, stdout=log, stderr=log, cwd=self.folder)
        self._wait_until_ready()
        log.close()

    def admin(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        return super().admin(database)


class File:
    """SQLite: there is no server to restart, so somebody holds the write lock for a while."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "chaos.db"
        self.url = f"sqlite:///{self.path}"
        create_tables(self.url)

    def restart(self) -> None:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=20)
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(2)
        connection.close()

    def stop(self) -> None:
        """A file needs no stopping."""


def make_database(name: str, folder: Path) -> Database:
    if name == "sqlite":
        return File(folder)
    found = programs()
    if found is None:
        raise SystemExit("PostgreSQL is not installed.")
    return Postgres(found)


class World:
    """Workers, scheduler, Redis and database of one campaign."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder, self.database = folder, database
        self.valkey = ValkeyServer(folder / "valkey")
        self.valkey.start()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.done: Counter[str] = Counter()
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MAILSETUP_")},
            "MAILSETUP_ENV": "development",
            "MAILSETUP_DATABASE_URL": database.url,
            "MAILSETUP_REDIS_URL": self.valkey.url,
            "MAILSETUP_BASE_URL": "http://localhost",
            "MAILSETUP_SECRET_KEY": secrets.token_hex(32),
            "MAILSETUP_ENCRYPTION_KEYS": "k1:" + base64.b64encode(os.urandom(32)).decode(),
            "MAILSETUP_EGRESS_ALLOW": "127.0.0.0/8",
            "MAILSETUP_OPERATOR_FROM": "operator@mailsetup.example",
            "MAILSETUP_JOURNAL_DIR": str(folder / "journal"),
            "MAILSETUP_QUOTA_MESSAGES": "100000000",
            "MAILSETUP_WORKER_LANES": "8",
        }

    def start_all(self) -> None:
        for name in PROGRAMS:
            self.start(name)

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [sys.executable, "-m", *PROGRAMS[name]]
            self.processes[name] = subprocess.Popen(command, cwd=TOP, env=self.environ, stdout=log, stderr=log)

    def keep_alive(self) -> None:
        """What a supervisor does: whoever has ended is started again."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                self.start(name)

    def hurt(self, what: str) -> None:
        """Does it, and counts it."""
        self.done[what] += 1
        if what in PROGRAMS:
            self.processes[what].kill()
            self.processes[what].wait()
        elif what == "flush":
            self.valkey.flush()
        elif what == "redis":
            self.valkey.restart()
        else:
            self.database.restart()

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.valkey.kill()
        self.database.stop()
