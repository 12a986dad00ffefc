"""The operator's own way to send mail: alerts and invitations, never through a customer's service."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from mailsetup.core.egress import Door
from mailsetup.core.errors import SettingsError
from mailsetup.core.redact import Secret
from mailsetup.mail_services.base import Mail, NullReport, Report, SendResult
from mailsetup.mail_services.dialing import Server
from mailsetup.mail_services.smtp import Login, Peer, Session, ehlo_name
from mailsetup.mail_services.timeouts import Timeouts

_TLS_MODES = ("starttls", "implicit", "none")
_DEFAULT_PORTS = {"starttls": 587, "implicit": 465, "none": 25}
_SHAPE = "MAILSETUP_OPERATOR_SMTP_URL is written like smtp://user:pass@host:587?tls=starttls."


class OperatorMailer:
    """Sends through `smtp://user:pass@host:587?tls=starttls|implicit|none`; a new connection for each mail."""

    def __init__(
        self,
        url: str | Secret,
        sender: str,
        door: Door,
        *,
        timeouts: Timeouts | None = None,
        base_url: str = "",
    ) -> None:
        self.sender = sender
        self._door = door
        self._timeouts = timeouts or Timeouts()
        self._base_url = base_url
        self._host, self._port, self._tls, self._login = _parsed(url.reveal() if isinstance(url, Secret) else url)

    def send(self, mail: Mail, report: Report | None = None) -> SendResult:
        """Hands one mail to the operator's server; a blank envelope sender becomes our own. Raises TransportError."""
        listener = report or NullReport()
        server = Server(self._door, self._host, self._port, self._timeouts, facts={"from_address": self.sender})
        session = Session(server, Peer(self._tls, self._login, ehlo_name(self._base_url)))
        try:
            session.open(listener)
            named = mail if mail.envelope_sender else replace(mail, envelope_sender=self.sender)
            return session.deliver(named, listener)
        finally:
            session.close()


def _parsed(url: str) -> tuple[str, int, str, Login | None]:
    """Host, port, TLS mode and login. Raises SettingsError, whose text holds no part of the URL."""
    try:
        parts = urlsplit(url)
        tls = parse_qs(parts.query).get("tls", ["starttls"])[0]
        port = parts.port or _DEFAULT_PORTS.get(tls, 0)
    except ValueError:
        raise SettingsError(_SHAPE) from None
    if parts.scheme != "smtp" or not parts.hostname or tls not in _TLS_MODES:
        raise SettingsError(_SHAPE)
    return parts.hostname, port, tls, _login(parts)


def _login(parts: SplitResult) -> Login | None:
    if not parts.username:
        return None
    return Login(unquote(parts.username), Secret(unquote(parts.password or "")), ("PLAIN", "LOGIN"))
