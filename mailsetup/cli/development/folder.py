"""The folder `make run` keeps everything in: var/, for its owner alone."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailsetup.core.errors import MailsetupError
from mailsetup.core.processes import lock_file, private_folder

ROOT = Path(__file__).resolve().parents[3]


class CannotStart(MailsetupError):
    """`make run` cannot start here; the text is one sentence that says what to do."""


@dataclass(frozen=True)
class Folder:
    """Where each thing lives under var/."""

    path: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.path / "mailsetup.db"

    @property
    def valkey(self) -> Path:
        """The embedded Redis keeps its files here."""
        return self.path / "valkey"

    @property
    def sandbox(self) -> Path:
        """The sandbox keeps its certificates, addresses and mail here."""
        return self.path / "sandbox"

    @property
    def logs(self) -> Path:
        """One file for each process."""
        return self.path / "log"

    @property
    def key_ring(self) -> Path:
        """The encryption keys; whoever loses this file loses every stored secret."""
        return self.path / "encryption-keys"

    @property
    def environment(self) -> Path:
        """What every process is started with, as a shell reads it."""
        return self.path / "environment"

    @property
    def running(self) -> Path:
        """What a second start is told about the first one."""
        return self.path / "running.json"

    def prepare(self) -> int:
        """Makes the folder and takes it for this process. Raises CannotStart when it is taken."""
        private_folder(self.path)
        lock = lock_file(self.path / "lock")
        if lock is None:
            raise CannotStart(self._already_running())
        for part in (self.logs, self.sandbox, self.valkey):
            private_folder(part)
        self.running.unlink(missing_ok=True)
        return lock

    def _already_running(self) -> str:
        running = read_json(self.running)
        if not running:
            return "mailsetup is already starting or stopping here; try again in a moment."
        return (
            f"mailsetup is already running at {running['address']} (process {running['process']}). "
            f"To stop it: Ctrl-C in its window, or kill {running['process']}."
        )

    def remember_running(self, address: str) -> None:
        """Leaves word for a second start."""
        self.running.write_text(json.dumps({"address": address, "process": os.getpid()}))

    def secret_key(self) -> str:
        """What signs cookies; made on the first start."""
        path = self.path / "secret-key"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(48))
        return path.read_text(encoding="utf-8")

    def make_key_ring(self) -> None:
        """Makes the encryption key on the first start; never over data that another key sealed."""
        if self.key_ring.exists():
            return
        if self.database.exists():
            raise CannotStart(
                f"{self.key_ring} is missing, and {self.database.name} holds secrets that only its keys open. "
                f"Put the file back, or begin anew by removing {self.path}."
            )
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        write_private(self.key_ring, f"{time.strftime('%Y-%m')}:{key}\n")


def write_private(path: Path, text: str) -> None:
    """Writes the file whole, readable by its owner alone, never half."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def write_environment(path: Path, values: Mapping[str, str]) -> None:
    """NAME='value' lines, for our own processes and for `set -a; . var/environment` in a shell."""
    write_private(path, "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(values.items())))


def read_json(path: Path) -> dict[str, Any]:
    """The object in the file; empty when there is none."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
