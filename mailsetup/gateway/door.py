"""One submission door (RFC 6409): AUTH with an API key as the password, then into the same outbox."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any, AnyStr, ClassVar, cast

import structlog
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from sqlalchemy.exc import SQLAlchemyError

from mailsetup.api import keys
from mailsetup.core import db, walls
from mailsetup.core.errors import InvalidInput, QuotaReached
from mailsetup.outbox import queue_mail
from mailsetup.outbox.freeze import RECIPIENT_LIMIT, SIZE_LIMIT, parse
from mailsetup.workspaces.models import Workspace

SCOPE = "send"
AWAY = "451 4.3.0 Nothing was accepted; try again in a moment"
REVOKED = "535 5.7.8 This key was revoked or has expired; nothing was accepted"
# Callers at once; seconds for one command or one whole mail, and for signing in.
CALLERS, SILENT_FOR, UNKNOWN_FOR = 200, 120.0, 60.0
LINES = 1_000_000  # of one mail; the largest one in base64 has 350,000
log = structlog.get_logger()


@dataclass(frozen=True)
class Caller:
    """Whose key signed in."""

    key_id: uuid.UUID
    workspace_id: uuid.UUID
    name: str


def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    """Any user name, and an API key with the scope `send` as the password."""
    if mechanism not in {"PLAIN", "LOGIN"} or not isinstance(data, LoginPassword):
        return AuthResult(success=False, handled=False)
    try:
        caller = _caller(data.password.decode("ascii", "replace"))
    except SQLAlchemyError as error:
        log.warning("gateway_database_away", error=type(error).__name__)
        return AuthResult(success=False, handled=False, message="454 4.7.0 Not available right now")
    return AuthResult(success=caller is not None, handled=False, auth_data=caller)


def _caller(password: str) -> Caller | None:
    with db.session_scope() as session:
        found = keys.find_key(session, password)
        if found is None or SCOPE not in found[0].scopes:
            return None
        key, _workspace = found
        keys.note_use(session, key)
        return Caller(key.id, key.workspace_id, key.name)


class Door:
    """What aiosmtpd asks at each step of a mail."""

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Takes a recipient, up to the limit of one mail."""
        if len(envelope.rcpt_tos) >= RECIPIENT_LIMIT:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Queues the mail; says 250 only once it is on disk."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        caller = cast("Caller", session.auth_data)
        return await asyncio.to_thread(accept, caller, content, list(envelope.rcpt_tos))


def accept(caller: Caller, content: bytes, recipients: list[str]) -> str:
    """The reply to a whole mail."""
    try:
        with walls.only(caller.workspace_id), db.session_scope() as session:
            if not keys.still_works(session, caller.key_id, SCOPE):
                return REVOKED
            workspace = session.get_one(Workspace, caller.workspace_id)
            created_by = f"SMTP, API key {caller.name}"
            row = queue_mail(session, workspace, parse(content), recipients=recipients, created_by=created_by)
            queued = row.id
    except QuotaReached as error:
        return f"451 4.7.1 {_one_line(error)}"
    except InvalidInput as error:
        return f"550 5.6.0 {_one_line(error)}"
    except SQLAlchemyError as error:
        log.warning("gateway_database_away", error=type(error).__name__)
        return AWAY
    return f"250 2.0.0 Ok: queued as {queued}"


def _one_line(error: InvalidInput) -> str:
    return " ".join(str(error).encode("ascii", "replace").decode().split())[:400]


class Conversation(SMTP):
    """One caller; so many at once, and whoever has not signed in after a while is sent away, sooner when it is full."""

    open_now: ClassVar[dict[Conversation, None]] = {}
    _patience: asyncio.TimerHandle | None = None
    _unended = _lines = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes the caller, or says at once that there are too many; STARTTLS comes by here a second time."""
        stream = cast("asyncio.Transport", transport)
        if self._patience is None:
            if len(self.open_now) >= CALLERS and not self._make_room():
                stream.write(b"421 4.3.2 Too many connections, try again later\r\n")
                stream.close()
                return
            self.open_now[self] = None
            self._patience = self.loop.call_later(UNKNOWN_FOR, self._send_away)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Takes bytes. The library keeps a line until it ends, and much beside each line until the mail ends."""
        end = data.rfind(b"\r\n")
        self._unended = self._unended + len(data) if end < 0 else len(data) - end - 2
        self._lines += data.count(b"\n")
        if self._unended > SIZE_LIMIT or self._lines > LINES:
            log.warning("gateway_hung_up", unended=self._unended, lines=self._lines)
            self._hang_up()
        else:
            super().data_received(data)

    async def push(self, status: AnyStr) -> None:
        """Answers; what comes from here on counts anew."""
        self._lines = 0
        await super().push(status)

    def _make_room(self) -> bool:
        oldest = next((caller for caller in self.open_now if caller.is_stranger), None)
        if oldest is None:
            return False
        oldest._hang_up()
        return True

    @property
    def is_stranger(self) -> bool:
        """Whether no key was shown yet."""
        return not (self.session and self.session.authenticated)

    def _send_away(self) -> None:
        # However busily it talks: a caller without a key holds no place for longer.
        if self.is_stranger:
            self._hang_up()

    def _timeout_cb(self) -> None:
        # The library waits for the caller to take what was said to it, and one who never reads would stay for ever.
        self._hang_up()

    def _hang_up(self) -> None:
        if self.transport is not None:
            cast("asyncio.Transport", self.transport).abort()
        self.open_now.pop(self, None)

    def connection_lost(self, error: Exception | None) -> None:
        """The caller is gone."""
        if self._patience is not None:
            self._patience.cancel()
            self.open_now.pop(self, None)
            super().connection_lost(error)


def smtp_factory(tls_context: Any) -> SMTP:
    """One conversation; without a certificate the caller is on this machine, so the key may come in the clear."""
    return Conversation(
        Door(),
        data_size_limit=SIZE_LIMIT,
        enable_SMTPUTF8=False,
        hostname="mailsetup",
        ident="mailsetup",
        tls_context=tls_context,
        require_starttls=tls_context is not None,
        auth_required=True,
        auth_require_tls=tls_context is not None,
        authenticator=authenticate,
        timeout=SILENT_FOR,
    )
