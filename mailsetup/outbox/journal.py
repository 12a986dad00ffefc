"""What a lane has said and heard on the wire, in a local file, until the database knows it.

A plain write survives the death of the process. So results can be committed in groups, and yet a killed
worker leaves no more in doubt than the mail on the wire: the next worker on this machine replays the file
before it claims. Its owner holds a lock on the file for as long as it lives; a file without an owner is
replayed. A machine that dies takes the file along: then the wire deadline decides, as for any lost worker.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.engine import make_url

from mailsetup import settings
from mailsetup.core.processes import private_folder
from mailsetup.mail_services.base import Refusal, SendResult

SUFFIX = ".journal"
log = structlog.get_logger()
BEGUN, ACCEPTED, REFUSED = "begun", "accepted", "not_accepted"


def folder_for(chosen: settings.Settings) -> Path:
    """Where the journals of this database are on this machine: two installations never share a folder."""
    url = make_url(chosen.database_url).set(password=None).render_as_string()
    return Path(chosen.journal_folder) / hashlib.sha256(url.encode()).hexdigest()[:16]


@dataclass
class Found:
    """What a dead worker left: its lease, what it had begun, and how that ended as far as it knew."""

    token: str = ""
    begun: set[uuid.UUID] = field(default_factory=set)
    accepted: dict[uuid.UUID, SendResult] = field(default_factory=dict)
    refused: set[uuid.UUID] = field(default_factory=set)


class Journal:
    """The file of one lane; made at the first write, removed once nothing in it is news."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = None
        self._file = -1
        self._header = 0
        self._open_entries = self._kept = False

    def start(self, token: str) -> None:
        """From now on it is about mail held under this lease; written before any of it counts as begun.

        Raises OSError.
        """
        if self._path is None:
            self._create()
        os.ftruncate(self._file, 0)
        self._header = self._write({"token": token})

    def begun(self, message_id: uuid.UUID) -> None:
        """The first byte of this mail is about to leave. Raises OSError, and then it must not."""
        self._open_entries = True
        self._write({BEGUN: str(message_id)})

    def accepted(self, message_id: uuid.UUID, result: SendResult) -> None:
        """The service took it."""
        refused = [[one.recipient, one.code, one.text, one.permanent] for one in result.refused]
        facts = {ACCEPTED: str(message_id), "id": result.service_id, "text": result.text}
        self._add({**facts, "refused": refused} if refused else facts)

    def refused(self, message_id: uuid.UUID) -> None:
        """The service certainly did not take it."""
        self._add({REFUSED: str(message_id)})

    def settled(self) -> None:
        """The database knows all of it, unless it was said before that the journal has to be kept."""
        if self._kept:
            return
        if self._path is not None:
            os.ftruncate(self._file, self._header)
        self._open_entries = False

    def keep(self) -> None:
        """From now on it holds news for the database, if only that of a lease nothing was on the wire."""
        self._kept = True

    def close(self) -> None:
        """Removes the file, unless it holds what the database does not know yet: then the next worker reads it."""
        if self._path is None:
            return
        if not self._open_entries and not self._kept:
            self._path.unlink(missing_ok=True)
        os.close(self._file)
        self._path, self._file = None, -1

    def _create(self) -> None:
        private_folder(self._folder)
        made = self._folder / f"{os.getpid()}-{secrets.token_hex(8)}"
        self._file = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        # Only under this name others see it: one that nobody holds would be taken for a dead worker's.
        self._path = made.rename(made.with_suffix(SUFFIX))

    def _add(self, entry: dict[str, Any]) -> None:
        """Where the disk is full the database is told all the same: only a kill before that leaves a doubt."""
        try:
            self._write(entry)
        except OSError as error:
            log.error("journal_not_written", error=str(error))

    def _write(self, entry: dict[str, Any]) -> int:
        # Begins on a line of its own, so that half an entry before it takes it not along.
        line = b"\n" + json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        if os.write(self._file, line) < len(line):
            raise OSError(errno.ENOSPC, "the journal could be written only in part")
        return len(line)


@contextmanager
def orphan(path: Path) -> Iterator[Found | None]:
    """What a journal without an owner holds, kept locked meanwhile; None when its owner lives."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield _read(path)
    except BlockingIOError:
        yield None
    finally:
        os.close(descriptor)


def journals(folder: Path) -> list[Path]:
    """The journals in this folder, whoever owns them."""
    with suppress(OSError):
        return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
    return []


def _read(path: Path) -> Found:
    found = Found()
    with suppress(FileNotFoundError):
        for line in path.read_bytes().splitlines():
            # The last line may be torn; then it says nothing.
            with suppress(ValueError, KeyError, TypeError):
                _note(found, json.loads(line))
    return found


def _note(found: Found, entry: dict[str, Any]) -> None:
    if "token" in entry:
        found.token = str(entry["token"])
    elif BEGUN in entry:
        found.begun.add(uuid.UUID(entry[BEGUN]))
    elif REFUSED in entry:
        found.refused.add(uuid.UUID(entry[REFUSED]))
    else:
        refused = tuple(Refusal(*one) for one in entry.get("refused", ()))
        found.accepted[uuid.UUID(entry[ACCEPTED])] = SendResult(str(entry["id"]), str(entry["text"]), refused)
