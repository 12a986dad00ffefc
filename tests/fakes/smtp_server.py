"""A scripted SMTP server on loopback: every reply can be replaced, delayed by the test, or turned into a hang-up."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

HANG_UP = "HANG UP"
FEATURES = ("SIZE 1000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "AUTH PLAIN LOGIN XOAUTH2")
Act = Callable[["Conversation"], None]


class SMTPServer:
    """`replies` maps the beginning of a command (`greeting`, `.` for the end of a mail) to a reply, `HANG_UP`,
    a function, or a list of these used one after the other, the last one for ever."""

    def __init__(self, context: ssl.SSLContext | None = None, *, implicit: bool = False) -> None:
        self.context, self.implicit = context, implicit
        self.features: tuple[str, ...] = FEATURES
        self.replies: dict[str, Any] = {}
        self.logins = {"user": "pass-word-1"}
        self.commands: list[str] = []
        self.mails: list[bytes] = []
        self.connections = 0
        self.release = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def _accept(self) -> None:
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connected)
            threading.Thread(target=self._serve, args=(connected,), daemon=True).start()

    def _serve(self, connected: socket.socket) -> None:
        talk = None
        with suppress(OSError, ValueError):
            if self.implicit and self.context:
                connected = self.context.wrap_socket(connected, server_side=True)
                self._open.append(connected)
            talk = Conversation(self, connected)
            talk.run()
        with suppress(OSError):
            (talk.socket if talk else connected).shutdown(socket.SHUT_RDWR)
        (talk.socket if talk else connected).close()

    def sent(self, verb: str) -> list[str]:
        return [command for command in self.commands if command.upper().startswith(verb)]

    def drop_all(self) -> None:
        """Hangs up on everybody, as a server does that restarts."""
        for connected in self._open:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)
            connected.close()
        self._open.clear()

    def __enter__(self) -> SMTPServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        with suppress(OSError):  # closed alone, it would go on listening as long as a thread waits in accept()
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_all()


class Conversation:
    def __init__(self, server: SMTPServer, connected: socket.socket) -> None:
        self.server, self.socket = server, connected
        self.file = connected.makefile("rb")
        self.secure = isinstance(connected, ssl.SSLSocket)

    def run(self) -> None:
        if not self.answer("greeting", "220 mail.test ESMTP ready"):
            return
        while line := self.file.readline():
            command = line.decode("utf-8", "replace").rstrip("\r\n")
            self.server.commands.append(command)
            if not self.answer(command, self.usual(command)) or command.upper().startswith("QUIT"):
                return

    def write(self, text: str | bytes) -> None:
        self.socket.sendall(text if isinstance(text, bytes) else text.encode() + b"\r\n")

    def answer(self, command: str, usual: str | Act) -> bool:
        """False when the conversation is over."""
        key = next((key for key in self.server.replies if command.upper().startswith(key.upper())), None)
        chosen = usual
        if key is not None:
            script = self.server.replies[key]
            chosen = script if not isinstance(script, list) else script.pop(0) if len(script) > 1 else script[0]
        if callable(chosen):
            chosen(self)
        elif chosen == HANG_UP:
            return False
        else:
            self.write(str(chosen))
            if command.upper().startswith("DATA") and str(chosen).startswith("354"):
                return self.take_mail()
        return True

    def usual(self, command: str) -> str | Act:
        verb = command.upper().partition(" ")[0]
        fixed = {"MAIL": "250 2.1.0 ok", "RCPT": "250 2.1.5 ok", "DATA": "354 go", "RSET": "250 ok", "NOOP": "250 ok"}
        if verb in {"EHLO", "HELO"}:
            return self.hello()
        if verb == "STARTTLS":
            return Conversation.start_tls
        if verb == "AUTH":
            return lambda talk: talk.sign_in(command)
        return fixed.get(verb, "221 bye" if verb == "QUIT" else "500 5.5.1 what")

    def hello(self) -> str:
        offered = ["mail.test", *self.server.features]
        if self.server.context and not self.secure:
            offered = [*(one for one in offered if not one.startswith("AUTH")), "STARTTLS"]
        return "\r\n".join(f"250{'-' if one is not offered[-1] else ' '}{one}" for one in offered)

    def start_tls(self) -> None:
        self.write("220 go ahead")
        self.encrypt()

    def encrypt(self) -> None:
        assert self.server.context is not None
        self.socket = self.server.context.wrap_socket(self.socket, server_side=True)
        self.server._open.append(self.socket)
        self.file, self.secure = self.socket.makefile("rb"), True

    def sign_in(self, command: str) -> None:
        _, mechanism, *rest = command.split()
        if mechanism == "PLAIN":
            _, name, password = base64.b64decode(rest[0]).decode().split("\0")
            return self.verdict(name, password)
        if mechanism == "XOAUTH2":
            return self.sign_in_with_token(rest[0])
        name = self.challenge("VXNlcm5hbWU6")
        return self.verdict(name, self.challenge("UGFzc3dvcmQ6"))

    def challenge(self, text: str) -> str:
        self.write(f"334 {text}")
        return base64.b64decode(self.file.readline()).decode()

    def sign_in_with_token(self, first: str) -> None:
        name, bearer, *_ = base64.b64decode(first).decode().split("\x01")
        name, token = name.removeprefix("user="), bearer.removeprefix("auth=Bearer ")
        if self.server.logins.get(name) == token:
            return self.write("235 2.7.0 Authentication successful")
        self.write("334 " + base64.b64encode(b'{"status":"400"}').decode())
        self.server.commands.append(f"after challenge: {self.file.readline()!r}")
        return self.write("535 5.7.3 Authentication unsuccessful")

    def verdict(self, name: str, password: str) -> None:
        good = self.server.logins.get(name) == password
        self.write("235 2.7.0 ok" if good else "535 5.7.8 bad credentials")

    def take_mail(self) -> bool:
        lines: list[bytes] = []
        while (line := self.file.readline()) not in {b".\r\n", b""}:
            lines.append(line[1:] if line.startswith(b".") else line)
        if not line:
            return False
        self.server.mails.append(b"".join(lines))
        return self.answer(".", "250 2.0.0 ok queued as ABC123")


@contextmanager
def smtp_server(context: ssl.SSLContext | None = None, **more: Any) -> Iterator[SMTPServer]:
    with SMTPServer(context, **more) as server:
        yield server
