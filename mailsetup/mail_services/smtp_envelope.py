"""The envelope of one mail on the wire: MAIL, RCPT, DATA, in one go where the server offers PIPELINING (RFC 2920)."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping

from mailsetup.mail_services.base import Mail, Refusal
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.smtp_wire import Reply, Wire

# More could fill the buffers of both sides while neither reads.
AHEAD_LIMIT = 16_000
_ADDRESS = re.compile(r"[^\x00-\x20\x7f-\x9f<>\u2028\u2029]+@[^\x00-\x20\x7f-\x9f<>@\u2028\u2029]+")


class Envelope:
    """Sender and recipients of one mail. After a refusal every reply that is still owed has been read."""

    def __init__(self, wire: Wire, mail: Mail, features: Mapping[str, str]) -> None:
        self._wire = wire
        self._mail = mail
        self._features = features
        self._owed: deque[str] = deque()

    def is_for(self, mail: Mail) -> bool:
        """Whether it is this very mail's."""
        return self._mail is mail

    def name_sender(self) -> None:
        """Says who sends. Raises TransportError."""
        sender = ""
        if not self._owed:
            lines = self._lines()
            sender = lines[0]
            if self._goes_ahead(lines):
                self._wire.send(self._joined(lines))
        reply = self._ask(sender)
        if not reply.ok:
            self._settle()
            raise self._wire.refusal(reply)

    def name_recipients(self) -> tuple[Refusal, ...]:
        """Says who receives; returns those refused while others were taken. Raises TransportError when none was."""
        failures = [self._failure(recipient) for recipient in self._mail.recipients]
        refused = tuple(
            Refusal(recipient, failure.code, failure.raw, failure.permanent)
            for recipient, failure in zip(self._mail.recipients, failures, strict=True)
            if failure is not None
        )
        if len(refused) == len(self._mail.recipients):
            self._settle()
            raise _worst([failure for failure in failures if failure is not None], refused)
        return refused

    def _failure(self, recipient: str) -> TransportError | None:
        reply = self._ask(_recipient(recipient))
        if reply.ok:
            return None
        failure = self._wire.refusal(reply)
        failure.context["recipient"] = recipient
        if reply.code == 421:
            raise failure
        return failure

    def begin_data(self) -> None:
        """Announces the mail itself. Raises TransportError."""
        reply = self._ask("DATA")
        if reply.code != 354:
            raise self._wire.refusal(reply)

    def ahead(self) -> bytes:
        """All of it, to be written behind the mail before; empty where it must wait. Whoever takes it must send it."""
        try:
            lines = self._lines()
        except TransportError:
            # Told when it is this mail's turn.
            return b""
        return self._joined(lines) if self._goes_ahead(lines) else b""

    def _lines(self) -> list[str]:
        self._check()
        sender = f"MAIL FROM:<{self._mail.envelope_sender}>{self._parameters()}"
        return [sender, *map(_recipient, self._mail.recipients), "DATA"]

    def _goes_ahead(self, lines: list[str]) -> bool:
        return "PIPELINING" in self._features and sum(map(len, lines)) < AHEAD_LIMIT

    def _joined(self, lines: list[str]) -> bytes:
        self._owed.extend(lines)
        return "".join(f"{line}\r\n" for line in lines).encode("utf-8")

    def _ask(self, line: str) -> Reply:
        """The reply to a command, which was perhaps sent ahead."""
        if self._owed:
            self._owed.popleft()
            return self._wire.reply()
        return self._wire.ask(line)

    def _settle(self) -> None:
        """Reads what is still owed; a server that now wants a mail for nobody gets an empty one (RFC 2920 3.1)."""
        while self._owed:
            reply = self._ask("")
            if not self._owed and reply.code == 354:
                self._wire.ask(".")

    def _check(self) -> None:
        """What would fail anyway, or must never reach the wire (CR and LF in addresses: PYSEC-2026-2338)."""
        mail = self._mail
        if not mail.recipients:
            raise self._unsendable("no_recipients")
        named = [*mail.recipients, mail.envelope_sender] if mail.envelope_sender else mail.recipients
        if not all(_ADDRESS.fullmatch(address) for address in named):
            raise self._unsendable("address_malformed")
        limit = self._features.get("SIZE", "")
        if limit.isdigit() and 0 < int(limit) < len(mail.content):
            raise self._unsendable("too_large", limit=_megabytes(int(limit)))

    def _parameters(self) -> str:
        """SIZE (RFC 1870), BODY (RFC 6152) and SMTPUTF8 (RFC 6531), each only when needed and offered."""
        mail, parameters = self._mail, ""
        if "SIZE" in self._features:
            parameters += f" SIZE={len(mail.content)}"
        if not mail.content.isascii():
            parameters += self._extension("8BITMIME", " BODY=8BITMIME", "needs_8bitmime")
        if not all(address.isascii() for address in (*mail.recipients, mail.envelope_sender)):
            parameters += self._extension("SMTPUTF8", " SMTPUTF8", "needs_smtputf8")
        return parameters

    def _extension(self, name: str, parameter: str, code: str) -> str:
        if name not in self._features:
            raise self._unsendable(code)
        return parameter

    def _unsendable(self, code: str, **context: str) -> TransportError:
        failure = self._wire.failure("", code=code, channel="message")
        failure.context |= context
        return failure


def _recipient(address: str) -> str:
    return f"RCPT TO:<{address}>"


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.0f} MB" if size >= 1_000_000 else f"{size / 1000:.0f} KB"


def _worst(failures: list[TransportError], refused: tuple[Refusal, ...]) -> TransportError:
    """All were refused: what holds for the whole service first, then what may pass, then the final no."""
    chosen = sorted(failures, key=lambda failure: (failure.scope != "backend", failure.permanent))[0]
    chosen.context["refused"] = refused
    return chosen
