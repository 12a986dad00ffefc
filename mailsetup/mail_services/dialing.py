"""The way to a service, the same for SMTP and HTTP: find it, connect, encrypt; failures become TransportErrors."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mailsetup.core.egress import CheckedAddress, Door
from mailsetup.core.errors import ConnectFailed, EgressError, EgressRefused, ResolutionFailed
from mailsetup.core.redact import Secret, scrub
from mailsetup.mail_services.base import Evidence, StageNote
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.hints import judged
from mailsetup.mail_services.timeouts import Timeouts

# X509_V_ERR_* of OpenSSL, as `SSLCertVerificationError.verify_code` carries them.
_VERIFY_CODES = {
    2: "unknown_issuer",
    9: "not_yet_valid",
    10: "expired",
    18: "self_signed",
    19: "private_authority",
    20: "unknown_issuer",
    21: "unknown_issuer",
    62: "wrong_name",
    64: "wrong_name",
}
_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST")
_OLD_TLS = ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE", "VERSION_TOO_LOW")


class Deadline:
    """The end of a conversation, on the clock that nobody sets."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def within(self, limit: float) -> float:
        """The time left, at most `limit` seconds. Raises TimeoutError when it is over."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the conversation took too long")
        return min(left, limit)


@dataclass
class Server:
    """One server of a mail service, and the way to it.

    `web` says which proxy counts; `ca_pem` holds the only authorities that may vouch for the server, if there are any.
    """

    door: Door
    host: str
    port: int
    timeouts: Timeouts
    web: bool = False
    ca_pem: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    addresses: list[CheckedAddress] = field(default_factory=list)

    def failure(
        self, raw: str, *, channel: str, code: str, stage: str, secrets: Iterable[Secret | str] = (), **more: Any
    ) -> TransportError:
        """A judged error that knows the server; `raw` is scrubbed here."""
        context = {"host": self.host, "port": self.port, **self.facts, **more.pop("context", {})}
        return judged(
            TransportError(scrub(raw, secrets), channel=channel, code=code, stage=stage, context=context, **more)
        )

    def resolve(self, note: StageNote) -> None:
        """Looks the name up and checks every address. Raises TransportError."""
        try:
            self.addresses = self.door.resolve(self.host, self.port, self.timeouts.resolve, web=self.web)
        except EgressError as error:
            raise egress_failure(error, stage="resolve", context=self.facts) from error
        note.note(host=self.host, addresses=", ".join(address.host for address in self.addresses))

    def connect(self, note: StageNote, deadline: Deadline) -> socket.socket:
        """A socket to one of the checked addresses. Raises TransportError."""
        seconds = deadline.within(self.timeouts.connect)
        try:
            connected = self.door.connect(self.host, self.port, seconds, addresses=self.addresses, web=self.web)
        except EgressError as error:
            raise egress_failure(error, stage="connect", context=self.facts) from error
        note.note(port=self.port)
        return connected

    def secure(self, plain: socket.socket, note: StageNote, deadline: Deadline) -> ssl.SSLSocket:
        """The socket encrypted, the certificate verified for the name. Raises TransportError."""
        try:
            encrypted = self._shake_hands(plain, Deadline(deadline.within(self.timeouts.connect)))
        except (OSError, ValueError) as error:
            plain.close()
            raise self.failure(_tls_words(error), channel="tls", code=tls_code(error), stage="tls") from error
        cipher = encrypted.cipher()
        note.note(version=encrypted.version() or "", cipher=cipher[0] if cipher else "")
        note.note(**peer_facts(encrypted.getpeercert() or {}))
        return encrypted

    def _shake_hands(self, plain: socket.socket, deadline: Deadline) -> ssl.SSLSocket:
        """The handshake, bounded as a whole: a time limit on each read would let a byte drip in now and then."""
        plain.settimeout(0)
        context = self.door.ssl_context(self.ca_pem)
        encrypted = context.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
        while True:
            try:
                encrypted.do_handshake()
                return encrypted
            except ssl.SSLWantReadError:
                select.select([encrypted], [], [], deadline.within(self.timeouts.connect))
            except ssl.SSLWantWriteError:
                select.select([], [encrypted], [], deadline.within(self.timeouts.connect))


def peer_facts(certificate: Mapping[str, Any]) -> Evidence:
    """Who issued a server's certificate, until when it holds (ISO 8601, UTC), and how many days that is."""
    issuer = {name: value for part in certificate.get("issuer", ()) for name, value in part}
    facts: Evidence = {"issuer": str(issuer.get("organizationName") or issuer.get("commonName") or "")[:100]}
    if ends := certificate.get("notAfter"):
        moment = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(ends)), UTC)
        facts["certificate_until"] = moment.isoformat(timespec="seconds")
        facts["days_left"] = (moment - datetime.now(UTC)).days
    return facts


def is_quiet(connected: socket.socket) -> bool:
    """Whether the other side has neither hung up nor said anything unasked.

    On TLS 1.3 a session ticket may be waiting (RFC 8446 4.6.1), which is no word of the server's.
    """
    if connected.fileno() < 0:
        return False
    try:
        connected.settimeout(0)
        connected.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False
    return False


def egress_failure(error: EgressError, *, stage: str, context: dict[str, Any] | None = None) -> TransportError:
    """What the egress door refused or could not do, as an error of the mail service."""
    channel, code = _egress_code(error)
    known = {"host": error.host, "port": error.port, **(context or {})}
    return judged(TransportError(scrub(str(error)), channel=channel, code=code, stage=stage, context=known))


def _egress_code(error: EgressError) -> tuple[str, str]:
    if isinstance(error, EgressRefused):
        return "dns", "not_public"
    if isinstance(error, ResolutionFailed):
        return "dns", "lookup_failed" if error.transient else "no_such_name"
    return "tcp", error.reason if isinstance(error, ConnectFailed) else "unreachable"


def tls_code(error: Exception) -> str:
    """Why the encryption did not come about, in one word."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFY_CODES.get(error.verify_code, "unknown_issuer")
    if isinstance(error, TimeoutError):
        return "timeout"
    reason = str(getattr(error, "reason", "") or "")
    if any(part in reason for part in _OLD_TLS):
        return "old_protocol"
    if any(part in reason for part in _NOT_TLS):
        return "wrong_version"
    return "closed" if isinstance(error, (ssl.SSLEOFError, ConnectionError)) else "failed"


def _tls_words(error: Exception) -> str:
    """OpenSSL's own words, without the place in Python's source."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message)
    return str(getattr(error, "reason", "") or error or type(error).__name__)
