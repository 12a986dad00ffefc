"""What the sandbox keeps over a restart: one SQLite file with documents and mails."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

from mailsetup.sandbox.inbox import Mail

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (kind TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (kind, name));
CREATE TABLE IF NOT EXISTS mail (id INTEGER PRIMARY KEY, received_at TEXT, door TEXT, sender TEXT, signed_in TEXT,
                                 recipients TEXT, content BLOB);
CREATE TABLE IF NOT EXISTS mail_recipient (address TEXT, mail_id INTEGER);
CREATE INDEX IF NOT EXISTS mail_recipient_address ON mail_recipient (address, mail_id);
"""
_MAIL = "SELECT id, received_at, door, sender, signed_in, recipients, content FROM mail"


class Store:
    """Documents by kind and name, and the mails; safe to use from every thread."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")  # it is a sandbox: a power cut may cost it the last mails
        self._database.executescript(_SCHEMA)
        self._arrival = threading.Condition()

    def close(self) -> None:
        """Closes the file; the store is not used afterwards."""
        with self._arrival:
            self._database.close()

    def put(self, kind: str, name: str, value: Any) -> None:
        """Keeps one JSON document, replacing the one of the same name."""
        with self._arrival:
            self._database.execute("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", (kind, name, json.dumps(value)))

    def get(self, kind: str, name: str) -> Any | None:
        """The document, or None."""
        with self._arrival:
            row = self._database.execute(
                "SELECT value FROM document WHERE kind = ? AND name = ?", (kind, name)
            ).fetchone()
        return json.loads(row[0]) if row else None

    def drop(self, kind: str, name: str) -> bool:
        """Removes the document; tells whether it was there, so that only one caller wins."""
        with self._arrival:
            gone = self._database.execute("DELETE FROM document WHERE kind = ? AND name = ?", (kind, name))
            return gone.rowcount == 1

    def add_mail(self, mail: Mail) -> int:
        """Keeps a mail for each of its recipients and wakes those who wait for one."""
        row = (mail.received_at, mail.door, mail.sender, mail.signed_in, json.dumps(mail.recipients), mail.content)
        with self._arrival:
            self._database.execute("BEGIN")
            number = self._database.execute("INSERT INTO mail VALUES (NULL, ?, ?, ?, ?, ?, ?)", row).lastrowid or 0
            self._database.executemany(
                "INSERT INTO mail_recipient VALUES (?, ?)",
                {(address.lower(), number) for address in mail.recipients},
            )
            self._database.execute("COMMIT")
            self._arrival.notify_all()
        return number

    def mails(self, address: str | None = None, *, newest: int | None = None) -> list[Mail]:
        """The mails for one address or for all, oldest first; `newest` keeps only the last so many."""
        where = "" if address is None else " WHERE id IN (SELECT mail_id FROM mail_recipient WHERE address = ?)"
        values: tuple[str | int, ...] = () if address is None else (address.lower(),)
        limit = -1 if newest is None else newest
        with self._arrival:
            rows = self._database.execute(f"{_MAIL}{where} ORDER BY id DESC LIMIT ?", (*values, limit)).fetchall()
        return [_mail(row) for row in reversed(rows)]

    def mail(self, number: int) -> Mail | None:
        """One mail by its number."""
        with self._arrival:
            row = self._database.execute(f"{_MAIL} WHERE id = ?", (number,)).fetchone()
        return _mail(row) if row else None

    def mailboxes(self) -> list[tuple[str, int, str]]:
        """Every address that received mail, how many, and when the last one came."""
        query = (
            "SELECT address, count(*), max(received_at) FROM mail_recipient JOIN mail ON mail.id = mail_id"
            " GROUP BY address ORDER BY max(received_at) DESC"
        )
        with self._arrival:
            return [(str(row[0]), int(row[1]), str(row[2])) for row in self._database.execute(query)]

    def count(self, address: str | None = None) -> int:
        """How many mails there are for one address or for all."""
        query = "SELECT count(*) FROM mail_recipient WHERE address = ?" if address else "SELECT count(*) FROM mail"
        with self._arrival:
            return int(self._database.execute(query, (address.lower(),) if address else ()).fetchone()[0])

    def wait_for(self, address: str | None, count: int, timeout: float) -> bool:
        """Waits until there are `count` mails for the address; False when `timeout` seconds pass first."""
        with self._arrival:
            return self._arrival.wait_for(lambda: self.count(address) >= count, timeout)

    def clear_mails(self) -> None:
        """Empties the inbox."""
        with self._arrival:
            self._database.executescript("DELETE FROM mail; DELETE FROM mail_recipient;")


def _mail(row: tuple[Any, ...]) -> Mail:
    number, received_at, door, sender, signed_in, recipients, content = row
    return Mail(sender, tuple(json.loads(recipients)), content, door, signed_in, received_at, number)
