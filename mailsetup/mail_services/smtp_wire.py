"""SMTP lines on a socket: bounded in time and size, and clean at the handshake (RFC 5321, RFC 3207)."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from mailsetup.core.redact import Secret
from mailsetup.mail_services.base import StageNote
from mailsetup.mail_services.dialing import Deadline, Server, is_quiet
from mailsetup.mail_services.errors import TransportError

REPLY_LIMIT = 8 * 1024
_READ_SIZE = 4096
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")
_LINE = re.compile(rb"(\d{3})(?:([ -])(.*))?", re.DOTALL)
FEW_DOTS, LINE_FEED = 200, 10
_BARE_LINE_END = re.compile(rb"\r\n|\r|\n")
_DOT_AT_START = re.compile(rb"^\.", re.MULTILINE)


@dataclass(frozen=True)
class Reply:
    """A server's whole reply."""

    code: int
    lines: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """2yz or 3yz."""
        return 200 <= self.code < 400

    @property
    def text(self) -> str:
        """The reply as it was written."""
        return "\n".join(f"{self.code} {line}".rstrip() for line in self.lines)

    @property
    def status(self) -> str:
        """`550 5.1.1`, or `550` where the server gives no enhanced code (RFC 3463)."""
        found = _ENHANCED.match(self.lines[0]) if self.lines else None
        return f"{self.code} {found[1]}" if found else str(self.code)


def dotted(content: bytes) -> bytes:
    """A mail ready for DATA: CRLF line ends, leading dots doubled, closed by the lone dot (RFC 5321 4.5.2)."""
    ends = content.count(b"\r\n")
    if content.count(b"\n") != ends or content.count(b"\r") != ends:
        content = _BARE_LINE_END.sub(b"\r\n", content)
    if _has_leading_dot(content):
        content = _DOT_AT_START.sub(b"..", content)
    return content + (b".\r\n" if content.endswith(b"\r\n") or not content else b"\r\n.\r\n")


def _has_leading_dot(content: bytes) -> bool:
    # Most mail has few dots, and to look at each is four times faster than to look for two bytes in a row.
    if content.count(b".") > FEW_DOTS:
        return b"\n." in content or content.startswith(b".")
    at = content.find(b".")
    while at > 0 and content[at - 1] != LINE_FEED:
        at = content.find(b".", at + 1)
    return at != -1


class Wire:
    """One connection. Every failure closes it, since a late reply must never answer a later command."""

    def __init__(self, server: Server, plain: socket.socket, deadline: Deadline) -> None:
        self.server = server
        self.deadline = deadline
        self.stage = "connect"
        self.secrets: list[Secret | str] = []
        self.unsent = 0
        self._socket = plain
        self._patience = 0.0
        self._buffer = bytearray()

    def send(self, data: bytes) -> None:
        """Writes all of it; when this raises, the last `unsent` bytes have not left. Raises TransportError."""
        view = memoryview(data)
        try:
            while view:
                self._bear(self.deadline.within(self.server.timeouts.command))
                view = view[self._socket.send(view) :]
        except OSError as error:
            self.unsent = len(view)
            raise self._broken(error) from error

    def _bear(self, seconds: float) -> None:
        """How long the socket waits, give or take 2 %: setting it anew is a system call, twice for every mail."""
        if abs(seconds - self._patience) > seconds * 0.02:
            self._patience = seconds
            self._socket.settimeout(seconds)

    def command(self, line: str) -> None:
        """Writes one command line, which must be one line. Raises TransportError."""
        if "\r" in line or "\n" in line or "\x00" in line:
            self.close()
            raise self.failure("", code="address_malformed", channel="message")
        self.send(line.encode("utf-8") + b"\r\n")

    def ask(self, line: str) -> Reply:
        """One command and its reply. Raises TransportError."""
        self.command(line)
        return self.reply()

    def reply(self, seconds: float | None = None) -> Reply:
        """The next reply, all its lines; at most `seconds` and 8 KiB. Raises TransportError."""
        limit = seconds if seconds is not None else self.server.timeouts.command
        end: Deadline | None = None
        lines: list[str] = []
        size = 0
        while True:
            while (position := self._buffer.find(b"\n")) < 0:
                end = end or Deadline(limit)
                self._fill(end)
            size += position
            line = bytes(self._buffer[:position]).rstrip(b"\r")
            del self._buffer[: position + 1]
            found = _LINE.fullmatch(line)
            if found is None or size > REPLY_LIMIT:
                self.close()
                code = "reply_too_long" if found else "bad_reply"
                raise self.failure(line[:200].decode("utf-8", "replace"), code=code)
            lines.append((found[3] or b"").decode("utf-8", "replace").strip())
            if found[2] != b"-":
                return Reply(int(found[1]), tuple(lines))

    def _fill(self, end: Deadline) -> None:
        if len(self._buffer) > REPLY_LIMIT:
            self.close()
            raise self.failure("", code="reply_too_long")
        try:
            self._bear(self.deadline.within(end.within(self.server.timeouts.final)))
            piece = self._socket.recv(_READ_SIZE)
        except OSError as error:
            raise self._broken(error) from error
        if not piece:
            raise self._broken(ConnectionResetError("the server closed the connection"))
        self._buffer += piece

    def start_tls(self, note: StageNote) -> None:
        """Encrypts the connection, if nothing was slipped in before (RFC 3207 section 6). Raises TransportError."""
        if self._buffer:
            self.close()
            raise self.failure("", code="injected", channel="tls")
        self._socket = self.server.secure(self._socket, note, self.deadline)
        self._patience = 0.0

    def quiet(self) -> bool:
        """Whether the server has neither hung up nor said anything unasked."""
        self._patience = 0.0  # looking leaves a socket that does not wait at all
        return not self._buffer and is_quiet(self._socket)

    def failure(
        self, raw: str, *, code: str, channel: str = "smtp_exception", secrets: Iterable[Secret | str] = ()
    ) -> TransportError:
        """An error at the present stage."""
        return self.server.failure(raw, channel=channel, code=code, stage=self.stage, secrets=[*self.secrets, *secrets])

    def refusal(self, reply: Reply) -> TransportError:
        """The server's no at the present stage."""
        return self.failure(reply.text, code=reply.status, channel="smtp_reply")

    def _broken(self, error: OSError) -> TransportError:
        self.close()
        return self.failure(str(error), code="timeout" if isinstance(error, TimeoutError) else "closed")

    def close(self) -> None:
        """Hangs up."""
        self._socket.close()
