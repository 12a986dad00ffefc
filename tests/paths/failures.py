"""Mail servers that fail, each in a way of its own, and what a customer should be told: stage and cause."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

from tests.fakes.certificates import Authority, private, self_signed
from tests.fakes.smtp_server import HANG_UP, Conversation, SMTPServer
from tests.ports import free_port

# The words of the page for each stage, or their beginning.
STAGES = {
    "settings": "Checking the settings",
    "token": "Getting permission",
    "resolve": "Finding",
    "connect": "Connecting to",
    "tls": "Securing the connection",
    "authenticate": "Signing in",
    "sender": "May send as",
    "recipient": "Recipient taken",
    "accept": "Message accepted",
}


@dataclass(frozen=True)
class Place:
    """Where a server answers, and how a customer would enter it."""

    host: str = "localhost"
    port: int = 0
    tls: str = "starttls"

    @property
    def fields(self) -> dict[str, str]:
        return {"host": self.host, "port": str(self.port), "tls": self.tls}


@dataclass(frozen=True)
class Case:
    """`causes` are those that may be named; several only where the machine decides, as with its own DNS."""

    name: str
    stage: str
    causes: tuple[str, ...]
    place: Callable[[Servers], Place]
    replies: dict[str, Any] = field(default_factory=dict)
    quick: bool = False
    seconds: float = 20


class Servers:
    """Everything that a customer could reach, made as it is asked for."""

    def __init__(self, ca: trustme.CA, folder: Path) -> None:
        self.authority, self.folder = Authority(folder, ca), folder
        self._stack = ExitStack()
        self.scripted = self._started(SMTPServer(self.authority.server()))

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _started(self, server: SMTPServer) -> SMTPServer:
        return self._stack.enter_context(server)

    def good(self) -> Place:
        """A server with STARTTLS whose replies each case changes."""
        return Place(port=self.scripted.port)

    def with_context(self, make: Callable[[], Any], *, tls: str = "starttls", implicit: bool = False) -> Place:
        return Place(port=self._started(SMTPServer(make(), implicit=implicit)).port, tls=tls)

    def silent(self) -> Place:
        """A host that takes no connection and refuses none: its queue is full, so the kernel drops what comes."""
        listener = self._stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = self._stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        return Place("127.0.0.1", listener.getsockname()[1])

    def closed(self) -> Place:
        return Place("127.0.0.1", free_port())


def tarpit(talk: Conversation) -> None:
    """One byte of an answer every second, for ever."""
    while not talk.server.release.wait(1):
        talk.write(b"2")


def html(talk: Conversation) -> None:
    talk.write(b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html>no</html>\r\n")


def _unsecured(servers: Servers) -> Place:
    return servers.with_context(lambda: None)


def _named(name: str) -> Callable[[Servers], Place]:
    return lambda servers: Place(name, 587)


# First those that never sign in: afterwards the password belongs to the server that took it.
ON_THE_WAY = (
    Case(
        "no such name",
        "resolve",
        ("host_unknown", "look_up_failed"),
        _named("mail.nowhere.invalid"),
        quick=True,
        seconds=40,
    ),
    Case("a private address", "resolve", ("host_not_public",), _named("10.255.255.1")),
    Case("nobody listens", "connect", ("connection_refused",), Servers.closed, quick=True),
    Case("blackhole", "connect", ("connection_timeout",), Servers.silent, seconds=25),
    Case("hangs up at once", "connect", ("connection_dropped",), Servers.good, {"greeting": HANG_UP}),
    Case(
        "says nothing",
        "connect",
        ("no_greeting",),
        Servers.good,
        {"greeting": lambda talk: talk.server.release.wait(60)},
        seconds=30,
    ),
    Case(
        "a tarpit",
        "connect",
        ("no_greeting", "server_too_slow", "reply_unreadable"),
        Servers.good,
        {"greeting": tarpit},
        seconds=60,
    ),
    Case("a web server", "connect", ("reply_unreadable",), Servers.good, {"greeting": html}),
    Case("is busy", "connect", ("server_busy",), Servers.good, {"greeting": "421 4.3.2 Service not available"}),
    Case(
        "turns us away",
        "connect",
        ("our_ip_blocked",),
        Servers.good,
        {"greeting": "554 5.7.1 Your address is on a block list"},
    ),
)
TLS = (
    Case(
        "TLS where STARTTLS is spoken",
        "tls",
        ("tls_from_start_on_plain_port",),
        lambda s: Place(port=s.scripted.port, tls="implicit"),
        quick=True,
    ),
    Case(
        "STARTTLS where TLS is spoken",
        "connect",
        ("no_greeting", "starttls_on_tls_port"),
        lambda s: s.with_context(s.authority.server, implicit=True),
        seconds=30,
    ),
    Case("no STARTTLS", "tls", ("starttls_missing",), _unsecured),
    Case("expired", "tls", ("tls_certificate_expired",), lambda s: s.with_context(s.authority.expired), quick=True),
    Case(
        "another name",
        "tls",
        ("tls_wrong_name",),
        lambda s: s.with_context(lambda: s.authority.server("mail.other.example")),
    ),
    Case("self-signed", "tls", ("tls_self_signed",), lambda s: s.with_context(lambda: self_signed(s.folder))),
    Case("a private authority", "tls", ("tls_private_authority",), lambda s: s.with_context(private)),
    Case(
        "missing intermediate", "tls", ("tls_unknown_issuer",), lambda s: s.with_context(s.authority.without_its_chain)
    ),
    Case("old version", "tls", ("tls_too_old",), lambda s: s.with_context(s.authority.old)),
)
SIGNING_IN = (
    Case(
        "wrong password",
        "authenticate",
        ("password_wrong",),
        Servers.good,
        {"AUTH": "535 5.7.8 Authentication failed"},
        quick=True,
    ),
    Case(
        "an app password",
        "authenticate",
        ("app_password_needed",),
        Servers.good,
        {"AUTH": "534 5.7.9 Application-specific password required"},
    ),
    Case(
        "SMTP switched off",
        "authenticate",
        ("smtp_auth_off_tenant",),
        Servers.good,
        {
            "AUTH": "535 5.7.139 SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled"
        },
    ),
    Case(
        "for a while only",
        "authenticate",
        ("login_temporarily_refused",),
        Servers.good,
        {"AUTH": "454 4.7.0 Temporary authentication failure"},
    ),
    Case("hangs up at sign-in", "authenticate", ("connection_dropped",), Servers.good, {"AUTH": HANG_UP}),
    Case(
        "sender is not allowed",
        "sender",
        ("smtp_send_as_denied",),
        Servers.good,
        {"MAIL": "550 5.7.60 SMTP; Client does not have permissions to send as this sender"},
        quick=True,
    ),
    Case(
        "recipient unknown", "recipient", ("recipient_unknown",), Servers.good, {"RCPT": "550 5.1.1 No such user here"}
    ),
    Case(
        "recipient's mailbox is full",
        "recipient",
        ("recipient_mailbox_full",),
        Servers.good,
        {"RCPT": "452 4.2.2 Mailbox full"},
    ),
    Case(
        "greylisting",
        "recipient",
        ("greylisted",),
        Servers.good,
        {"RCPT": "451 4.7.1 Greylisted, please try again later"},
    ),
    Case("content refused", "accept", ("content_refused",), Servers.good, {".": "554 5.7.1 Message rejected as spam"}),
    Case(
        "quota", "accept", ("provider_daily_limit",), Servers.good, {".": "550 5.4.5 Daily user sending limit exceeded"}
    ),
    Case("answer lost", "accept", ("answer_lost_smtp",), Servers.good, {".": HANG_UP}),
)
CASES = (*ON_THE_WAY, *TLS, *SIGNING_IN)


@contextmanager
def scripted(servers: Servers, case: Case) -> Iterator[Place]:
    """The server of a case, for as long as it is tested."""
    servers.scripted.replies.clear()
    servers.scripted.replies.update(case.replies)
    yield case.place(servers)
    servers.scripted.replies.clear()
