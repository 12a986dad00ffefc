"""What every SMTP door of the sandbox does: switched errors, notes, and keeping what arrives."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, AnyStr

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from mailsetup.sandbox.faults import SmtpFault
from mailsetup.sandbox.inbox import Mail
from mailsetup.sandbox.state import State

DROP = ""  # as a reply: the connection ends without one
SIZE = 157_286_400
_AUTH_LINE = 16_384  # RFC 4954 section 4 asks for 12,288; an access token may be longer
EXTENSIONS = ("250-PIPELINING", "250-ENHANCEDSTATUSCODES")


class Conversation(SMTP):
    """The protocol of one connection: aiosmtpd's, with switched errors and long AUTH lines."""

    line_length_limit = 65_536

    def __init__(self, door: Door, **settings: Any) -> None:
        super().__init__(door, enable_SMTPUTF8=True, hostname="localhost", data_size_limit=SIZE, **settings)
        self.command_size_limits = defaultdict(lambda: 512, AUTH=_AUTH_LINE)
        self.door = door
        self.login = ""
        self.place = 0

    @property
    def encrypted(self) -> bool:
        """Whether STARTTLS has been done."""
        return self._tls_protocol is not None

    async def push(self, status: AnyStr) -> None:
        """Sends a reply; the empty reply ends the connection."""
        if status == DROP:
            if isinstance(self.transport, asyncio.WriteTransport):
                self.transport.abort()
            return
        await super().push(status)

    async def refused(self, *places: str, **facts: str) -> bool:
        """Sends the reply of the switch that is on for one of these places, if one is."""
        fault = self.door.switched(*places)
        if fault is None:
            return False
        await self.push(self.door.filled(fault, **facts))
        return True

    async def _handle_client(self) -> None:
        if not await self.refused("connect"):
            await super()._handle_client()
        elif self.transport is not None:
            self.transport.close()

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802 (named by aiosmtpd)
        """RFC 3207."""
        if not await self.refused("starttls"):
            await super().smtp_STARTTLS(arg)

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 (named by aiosmtpd)
        """RFC 5321 section 4.1.1.1."""
        if not await self.refused("ehlo"):
            await super().smtp_EHLO(hostname)

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone: its place in the mailbox's connections is free again."""
        self.door.left(self)
        super().connection_lost(error)


class Door:
    """The rules of one kind of SMTP service; aiosmtpd calls its `handle_` methods."""

    name = "SMTP"
    family = "mail-server"
    ident = "ESMTP sandbox"

    def __init__(self, state: State) -> None:
        self.state = state

    def conversation(self, tls: ssl.SSLContext) -> Conversation:
        """The protocol object of a new connection."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it talks")

    def left(self, talk: Conversation) -> None:
        """A connection has ended."""

    def switched(self, *places: str) -> SmtpFault | None:
        """The fault switched on for one of these places."""
        return self.state.switches.smtp(self.family, *places)

    def filled(self, fault: SmtpFault, **facts: str) -> str:
        """The fault's reply with what is known filled in; it is noted too."""
        reply = fault.reply.format_map(defaultdict(str, facts))
        self.note(f"switched on: {fault.name}", reply or "connection dropped", failed=True)
        return reply

    def note(self, asked: str, answer: str, *, failed: bool = False, **details: str) -> None:
        """Notes one step of a conversation among the requests."""
        self.state.requests.add(self.name, asked, answer, details, failed=failed)

    def check_sender(self, talk: Conversation, address: str) -> str | None:
        """The reply that refuses this MAIL FROM, or None."""
        return None

    def check_content(self, talk: Conversation, envelope: Envelope) -> str | None:
        """The reply that refuses the message after its last byte, or None."""
        return None

    async def handle_EHLO(  # noqa: N802 (named by aiosmtpd)
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """RFC 5321 section 4.1.1.1; says PIPELINING too, which the line reader below can do."""
        session.host_name = hostname
        offered = [line for line in responses[1:-1] if line != "250-SMTPUTF8"]
        return [*responses[:1], *EXTENSIONS, *offered, "250 SMTPUTF8"]

    async def handle_MAIL(  # noqa: N802 (named by aiosmtpd)
        self, server: Conversation, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """RFC 5321 section 4.1.1.2."""
        fault = self.switched("mail")
        if fault is not None:
            return self.filled(fault, user=server.login, sender=address)
        reply = self.check_sender(server, address)
        if reply is not None:
            self.note("MAIL FROM", reply, failed=True, sender=address, signed_in=server.login)
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender OK"

    async def handle_RCPT(  # noqa: N802 (named by aiosmtpd)
        self, server: Conversation, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """RFC 5321 section 4.1.1.3."""
        fault = self.switched("rcpt")
        if fault is not None:
            return self.filled(fault, recipient=address)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server: Conversation, session: Session, envelope: Envelope) -> str:  # noqa: N802 (named by aiosmtpd)
        """RFC 5321 section 4.1.1.4: the end of the message, the moment it is accepted or not."""
        fault = self.switched("data")
        if fault is not None:
            if fault.accepted:
                self._keep(server, envelope)
            return self.filled(fault, user=server.login, sender=envelope.mail_from or "")
        await asyncio.sleep(self.state.latency)
        reply = self.check_content(server, envelope)
        if reply is not None:
            self.note("DATA", reply, failed=True, sender=envelope.mail_from or "", signed_in=server.login)
            return reply
        number = self._keep(server, envelope)
        reply = f"250 2.0.0 OK <{number}@localhost> [Hostname=localhost]"
        people = ", ".join(envelope.rcpt_tos)
        self.note("DATA", reply, sender=envelope.mail_from or "", recipients=people, signed_in=server.login)
        return reply

    def _keep(self, talk: Conversation, envelope: Envelope) -> int:
        content = envelope.original_content or b""
        mail = Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), content, self.name, talk.login)
        return self.state.store.add_mail(mail)


def refused_sign_in(reply: str) -> AuthResult:
    """An AUTH that ends with this reply."""
    return AuthResult(success=False, handled=False, message=reply)


def login_and_password(data: Any) -> tuple[str, str]:
    """What AUTH PLAIN or LOGIN brought."""
    if not isinstance(data, LoginPassword):
        return "", ""
    return data.login.decode(errors="replace"), data.password.decode(errors="replace")


def same_address(one: str, others: Iterable[str]) -> bool:
    """Whether an address is among others, without regard to case."""
    return one.lower() in {other.lower() for other in others}
