"""The SMTP conversation, stage by stage (RFC 5321, RFC 6409), over one connection kept between mails."""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from mailsetup.core.redact import scrub
from mailsetup.mail_services import smtp_auth
from mailsetup.mail_services.base import Evidence, Mail, Refusal, Report, SendResult
from mailsetup.mail_services.dialing import Deadline, Server
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.hints import judged
from mailsetup.mail_services.smtp_auth import Login
from mailsetup.mail_services.smtp_envelope import Envelope
from mailsetup.mail_services.smtp_wire import Reply, Wire, dotted

__all__ = ["Login", "Peer", "Session"]

IDLE_SECONDS = 10.0
QUIT_SECONDS = 2.0
# A larger mail takes so long that a round trip saved behind it is nothing.
AHEAD_BEHIND = 256_000
_QUEUE_ID = re.compile(r"queued as ([\w.-]+)|InternalId=([\w-]+)|\bid=([\w.-]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Peer:
    """How to speak with a server: TLS mode `starttls`, `implicit` or `none`, the login, and our own name."""

    tls: str
    login: Login | None
    ehlo_name: str


def ehlo_name(base_url: str) -> str:
    """The name we introduce ourselves with (RFC 5321 4.1.4); an address literal when we have none."""
    host = urlsplit(base_url).hostname or ""
    return host if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host) and not host[-1].isdigit() else "[127.0.0.1]"


class Session:
    """A conversation with one server. One thread at a time."""

    def __init__(self, server: Server, peer: Peer) -> None:
        self.server = server
        self.peer = peer
        self.features: dict[str, str] = {}
        self._wire: Wire | None = None
        self._used_at = 0.0
        self._unfinished = False
        self._ahead: Envelope | None = None
        server.facts.setdefault("tls", peer.tls)

    @property
    def ready(self) -> bool:
        """Whether the next mail can go over the open connection."""
        if self._wire is None:
            return False
        if self._ahead is not None and time.monotonic() - self._used_at < IDLE_SECONDS:
            return True
        if (
            self._ahead is None
            and self._wire.quiet()
            and (time.monotonic() - self._used_at < IDLE_SECONDS or self._answers())
        ):
            return True
        self.hang_up()
        return False

    def ready_for(self, mail: Mail) -> bool:
        """As `ready`, and no other mail's envelope is under way."""
        if self._ahead is not None and not self._ahead.is_for(mail):
            self.hang_up()
        return self.ready

    def _answers(self) -> bool:
        wire = self._connection()
        wire.deadline = Deadline(self.server.timeouts.connect)
        try:
            return wire.ask("NOOP").ok
        except TransportError:
            return False

    def open(self, report: Report) -> None:
        """Find, connect, encrypt, sign in. Raises TransportError."""
        deadline = Deadline(self.server.timeouts.session)
        with report.stage("resolve") as note:
            self.server.resolve(note)
        with report.stage("connect") as note:
            self._wire = Wire(self.server, self.server.connect(note, deadline), deadline)
            if self.peer.tls != "implicit":
                note.note(greeting=self._greet())
        try:
            self._secure(report)
            self._sign_in(report)
        except TransportError:
            self.hang_up()
            raise
        self._used_at = time.monotonic()

    def _connection(self) -> Wire:
        if self._wire is None:
            raise judged(TransportError("", channel="smtp_exception", code="closed"))
        return self._wire

    def _greet(self) -> str:
        """Hears the server out, then introduces us."""
        wire = self._connection()
        try:
            greeting = wire.reply()
            if greeting.code != 220:
                raise wire.refusal(greeting)
            self._introduce()
        except TransportError:
            self.hang_up()
            raise
        return scrub(greeting.text, limit=200)

    def _introduce(self) -> None:
        wire = self._connection()
        reply = wire.ask(f"EHLO {self.peer.ehlo_name}")
        if reply.code != 250:
            raise wire.refusal(reply)
        words = [line.replace("=", " ", 1).partition(" ") for line in reply.lines[1:]]
        self.features = {name.upper(): rest.strip() for name, _, rest in words}

    def _secure(self, report: Report) -> None:
        """Encrypts, or stops: whatever the server said before the handshake is forgotten (RFC 3207 4.2)."""
        if self.peer.tls == "none":
            return
        wire = self._connection()
        with report.stage("tls") as note:
            wire.stage = "tls"
            if self.peer.tls == "starttls":
                self._ask_for_tls(wire)
            wire.start_tls(note)
            if self.peer.tls == "implicit":
                note.note(greeting=self._greet())
            else:
                self._introduce()

    def _ask_for_tls(self, wire: Wire) -> None:
        if "STARTTLS" not in self.features:
            raise wire.failure("", code="starttls_missing", channel="tls")
        reply = wire.ask("STARTTLS")
        if reply.code != 220:
            raise wire.failure(reply.text, code="starttls_missing", channel="tls")

    def _sign_in(self, report: Report) -> None:
        if self.peer.login is None:
            return
        wire = self._connection()
        with report.stage("authenticate") as note:
            wire.stage = "authenticate"
            mechanism = smtp_auth.sign_in(wire, self.peer.login, self.features.get("AUTH", ""))
            note.note(mechanism=mechanism, username=self.peer.login.username)

    def deliver(self, mail: Mail, report: Report, following: Mail | None = None) -> SendResult:
        """Sends one mail over the open connection, and behind it the envelope of the next. Raises TransportError."""
        wire = self._connection()
        wire.deadline = Deadline(self.server.timeouts.session)
        try:
            return self._talk(wire, mail, report, following)
        except TransportError as error:
            # With the next envelope under way the server has ended this mail by itself.
            self._unfinished = self._ahead is None
            if error.channel not in {"smtp_reply", "message"} or error.code.startswith("421"):
                self.hang_up()
            raise
        finally:
            self._used_at = time.monotonic()

    def _talk(self, wire: Wire, mail: Mail, report: Report, following: Mail | None) -> SendResult:
        envelope = self._name_sender(wire, mail, report)
        refused = self._name_recipients(wire, envelope, mail, report)
        with report.stage("accept") as note:
            wire.stage = "accept"
            envelope.begin_data()
            reply = self._hand_over(wire, mail, self._sent_behind(wire, mail, following))
            result = _result(reply, wire, refused)
            note.note(bytes=len(mail.content), service_id=result.service_id, answer=result.text[:400])
        return result

    def check(self, mail: Mail, report: Report) -> None:
        """Names sender and recipient, then takes both back: nothing is sent. Raises TransportError."""
        wire = self._connection()
        wire.deadline = Deadline(self.server.timeouts.session)
        try:
            envelope = self._name_sender(wire, mail, report, ahead=False)
            self._name_recipients(wire, envelope, mail, report)
            wire.ask("RSET")
        finally:
            self._unfinished = True
            self._used_at = time.monotonic()

    def _name_sender(self, wire: Wire, mail: Mail, report: Report, *, ahead: bool = True) -> Envelope:
        """`ahead` sends the whole envelope at once where the server can take it, up to DATA."""
        with report.stage("sender") as note:
            wire.stage = "sender"
            self._start_afresh(wire)
            offered = {name: rest for name, rest in self.features.items() if ahead or name != "PIPELINING"}
            envelope, self._ahead = self._ahead or Envelope(wire, mail, offered), None
            envelope.name_sender()
            note.note(sender=mail.envelope_sender, **self._foreseen(mail.envelope_sender))
        return envelope

    def _foreseen(self, sender: str) -> Evidence:
        """Exchange Online looks at Send As rights only once it has the mail (550 5.7.60)."""
        login = self.peer.login
        if login and sender.lower() in login.aliases:
            return {"alias": True}
        other = login is not None and login.username.lower() != sender.lower()
        return {"send_as_needed": login.username} if login and other and "XOAUTH2" in login.mechanisms else {}

    def _name_recipients(self, wire: Wire, envelope: Envelope, mail: Mail, report: Report) -> tuple[Refusal, ...]:
        with report.stage("recipient") as note:
            wire.stage = "recipient"
            refused = envelope.name_recipients()
            note.note(taken=len(mail.recipients) - len(refused), refused=len(refused))
        return refused

    def _start_afresh(self, wire: Wire) -> None:
        """Clears what a refused mail left behind."""
        if self._unfinished:
            reply = wire.ask("RSET")
            if not reply.ok:
                raise wire.refusal(reply)
            self._unfinished = False

    def _sent_behind(self, wire: Wire, mail: Mail, following: Mail | None) -> bytes:
        """The next mail's envelope, where it may go in the same breath as this mail's end (RFC 2920 3.1)."""
        if following is None or len(mail.content) > AHEAD_BEHIND:
            return b""
        envelope = Envelope(wire, following, self.features)
        if lines := envelope.ahead():
            self._ahead = envelope
        return lines

    def _hand_over(self, wire: Wire, mail: Mail, behind: bytes) -> Reply:
        """The mail itself. Once the last dot is out, silence is no longer a plain failure."""
        try:
            wire.send(dotted(mail.content) + behind)
        except TransportError as error:
            if wire.unsent <= len(behind) and behind:
                raise _answer_lost(wire, error) from error
            raise
        try:
            reply = wire.reply(self.server.timeouts.final)
        except TransportError as error:
            raise _answer_lost(wire, error) from error
        if reply.code // 100 != 2:
            raise wire.refusal(reply)
        return reply

    def close(self) -> None:
        """Says goodbye and hangs up; never raises."""
        if self._wire is not None:
            self._wire.deadline = Deadline(QUIT_SECONDS)
            if self._ahead is None:
                with contextlib.suppress(TransportError):
                    self._wire.ask("QUIT")
            self.hang_up()

    def hang_up(self) -> None:
        """Drops the connection without a word."""
        if self._wire is not None:
            self._wire.close()
        self._wire, self._unfinished, self._ahead = None, False, None


def _answer_lost(wire: Wire, error: TransportError) -> TransportError:
    lost = wire.failure(error.raw, code="answer_lost")
    lost.ambiguous = True
    return lost


def _result(reply: Reply, wire: Wire, refused: tuple[Refusal, ...]) -> SendResult:
    found = _QUEUE_ID.search(reply.text)
    service_id = next((part for part in found.groups() if part), "") if found else ""
    return SendResult(service_id=service_id, text=scrub(reply.text, wire.secrets), refused=refused)
