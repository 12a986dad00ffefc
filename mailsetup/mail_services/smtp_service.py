"""What the SMTP kinds share: one session per service object, opened when needed and kept between mails."""

from __future__ import annotations

from abc import abstractmethod

from mailsetup.mail_services.base import Mail, MailService, Report, SendResult, Token
from mailsetup.mail_services.dialing import Server
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.settings_stage import check_credential, known_facts, token_stage
from mailsetup.mail_services.smtp import Peer, Session, ehlo_name
from mailsetup.mail_services.smtp_auth import Login


class SMTPService(MailService):
    """A kind that speaks SMTP; it says which server, and how to sign in."""

    _session: Session | None = None
    _following: Mail | None = None

    @abstractmethod
    def server(self) -> tuple[str, int, str]:
        """Host, port and TLS mode."""

    @abstractmethod
    def login(self, token: Token | None) -> Login | None:
        """How to sign in, with the token where the kind has a stage for one."""

    def check_settings(self) -> None:
        """Whether everything needed is there. Raises TransportError."""
        check_credential(self)

    def open(self, report: Report) -> None:
        """Settings, token, then the connection up to the sign-in. Raises TransportError."""
        if not self._ready:
            self._open_anew(report)

    @property
    def _ready(self) -> bool:
        return self._session is not None and self._session.ready

    def _open_anew(self, report: Report) -> None:
        with report.stage("settings"):
            self.check_settings()
            host, port, tls = self.server()
        token = token_stage(self, report) if "token" in self.stages else None
        server = Server(
            self.platform.door,
            host,
            port,
            self.platform.timeouts,
            ca_pem=str(self.settings.get("ca_pem", "")),
            facts=known_facts(self),
        )
        self._session = Session(server, Peer(tls, self.login(token), ehlo_name(self.platform.base_url)))
        try:
            self._session.open(report)
        except TransportError as error:
            if token is not None and error.stage == "authenticate":
                self.tokens.forget(token)
            self._session = None
            raise

    def deliver(self, mail: Mail, report: Report) -> SendResult:
        """One mail; a kept connection that turns out to be dead is opened anew once. Raises TransportError."""
        following, self._following = self._following, None
        kept = self._session is not None and self._session.ready_for(mail)
        if not kept:
            self._open_anew(report)
        try:
            return self._opened().deliver(mail, report, following)
        except TransportError as error:
            if not (kept and _hung_up_before_the_mail(error)):
                raise
        self._open_anew(report)
        return self._opened().deliver(mail, report, following)

    def expect(self, mail: Mail) -> None:
        """Its envelope goes out behind the mail before it, where the server offers PIPELINING."""
        self._following = mail

    def check(self, mail: Mail, report: Report) -> None:
        """Signs in and names sender and recipient, then stops before the mail itself. Raises TransportError."""
        self.open(report)
        self._opened().check(mail, report)

    def _opened(self) -> Session:
        if self._session is None:
            raise RuntimeError("the session is opened first")
        return self._session

    def close(self) -> None:
        """Says QUIT."""
        if self._session is not None:
            self._session.close()
            self._session = None


def _hung_up_before_the_mail(error: TransportError) -> bool:
    """Servers end a session after some mails or minutes; then nothing of this mail was accepted."""
    return error.stage == "sender" and (error.code == "closed" or error.code.startswith("421"))
