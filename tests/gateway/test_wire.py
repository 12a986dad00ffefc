"""What no mail program sends: bytes on the wire that try to be two mails, another command, or endless."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme
from sqlalchemy.orm import Session

from mailsetup.gateway import door as module
from mailsetup.outbox import bodies
from mailsetup.settings import Settings
from tests.gateway.test_door import door, key, port, rows

__all__ = ["key", "port"]
MAIL = b"From: ar@northwind.example\r\nTo: me@fabrikam.example\r\nSubject: Hello\r\n\r\nHello"
SECOND = b"MAIL FROM:<evil@example.com>\r\nRCPT TO:<victim@fabrikam.example>\r\nDATA\r\nSubject: Evil\r\n\r\nEvil"


class Wire:
    """Raw bytes to the door, and its replies."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.lines = connection.makefile("rb")

    def say(self, data: bytes) -> bytes:
        """Sends the bytes; gives the last line of one reply."""
        self.connection.sendall(data)
        return self.hear()

    def hear(self) -> bytes:
        line = self.lines.readline()
        while line[3:4] == b"-":
            line = self.lines.readline()
        return line

    def sign_in(self, key: str) -> None:
        self.say(b"EHLO program\r\n")
        answer = self.say(b"AUTH PLAIN " + base64.b64encode(b"\0any\0" + key.encode()) + b"\r\n")
        assert answer.startswith(b"235")

    def begin(self) -> None:
        """As far as the mail's own bytes."""
        for command in (b"MAIL FROM:<ar@northwind.example>", b"RCPT TO:<me@fabrikam.example>", b"DATA"):
            assert self.say(command + b"\r\n")[:1] in b"23"


@contextmanager
def called(port: int) -> Iterator[Wire]:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        wire = Wire(connection)
        assert wire.hear().startswith(b"220")
        yield wire


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r\n\0.\r\n"])
def test_only_the_true_end_ends_a_mail(port: int, key: str, session: Session, end: bytes) -> None:
    """RFC 5321, section 4.1.1.4: a mail ends with CR LF, a point, CR LF, and nothing else."""
    with called(port) as wire:
        wire.sign_in(key)
        wire.begin()
        wire.say(MAIL + end + SECOND + b"\r\n.\r\n")
        assert wire.say(b"NOOP\r\n").startswith(b"250")
    found = rows(session)
    assert [[one["address"] for one in row.recipients] for row in found] in ([], [["me@fabrikam.example"]])
    for row in found:
        content = bodies.read(session, row.workspace_id, row.id)
        assert content.replace(b"\r\n", b"").count(b"\n") == content.replace(b"\r\n", b"").count(b"\r") == 0


@pytest.mark.parametrize("command", [b"MAIL FROM:<a@b.example>", b"RCPT TO:<a@b.example>", b"DATA", b"VRFY root"])
def test_nothing_is_done_for_who_showed_no_key(port: int, command: bytes) -> None:
    with called(port) as wire:
        wire.say(b"EHLO program\r\n")
        assert wire.say(command + b"\r\n")[:3] in {b"530", b"503"}


def test_nothing_said_before_tls_counts_after_it(settings: Settings, key: str, tmp_path: Path) -> None:
    """RFC 3207, section 6; CVE-2021-38371 and CVE-2024-34083 were faults of this kind."""
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "door.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with door(settings, str(tmp_path / "door.pem")) as number, called(number) as wire:
        wire.say(b"EHLO program\r\n")
        assert wire.say(b"STARTTLS\r\nNOOP injected\r\n").startswith(b"220")
        with context.wrap_socket(wire.connection, server_hostname="127.0.0.1") as safe:
            inside = Wire(safe)
            assert b"mailsetup" in inside.say(b"HELO program\r\n")


def test_a_line_without_an_end_is_not_kept(port: int, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIZE_LIMIT", 1_000_000)
    with called(port) as wire:
        wire.sign_in(key)
        wire.begin()
        sent = 0
        with suppress(OSError):
            while sent < 100_000_000:
                wire.connection.sendall(b"x" * 1_000_000)
                sent += 1_000_000
        assert sent < 50_000_000


def test_lines_without_number_are_not_kept(port: int, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINES", 20_000)
    with called(port) as wire:
        wire.sign_in(key)
        wire.begin()
        with suppress(OSError):
            wire.connection.sendall(b"\r\n" * 30_000 + b".\r\n")
        with suppress(OSError):
            assert wire.hear() == b""


def test_a_mail_that_is_too_large_is_refused_and_the_next_one_taken(
    port: int, key: str, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SIZE_LIMIT", 1_000_000)
    with called(port) as wire:
        wire.sign_in(key)
        wire.begin()
        assert wire.say(MAIL + b"\r\n" + b"x" * 60 + (b"\r\n" + b"x" * 900) * 1_500 + b"\r\n.\r\n").startswith(b"552")
        wire.begin()
        assert wire.say(MAIL + b"\r\n.\r\n").startswith(b"250")
    assert len(rows(session)) == 1


@pytest.mark.parametrize("junk", [b"\0\r\n", b"\xff\xfe\r\n", b"A" * 20_000 + b"\r\n", b"GET / HTTP/1.1\r\n", b"\r\n"])
def test_what_is_no_command_is_answered_and_changes_nothing(port: int, key: str, junk: bytes, session: Session) -> None:
    with called(port) as wire:
        wire.sign_in(key)
        assert wire.say(junk)[:1] == b"5"
    with called(port) as wire:
        wire.sign_in(key)
        wire.begin()
        assert wire.say(MAIL + b"\r\n.\r\n").startswith(b"250")
    assert len(rows(session)) == 1
