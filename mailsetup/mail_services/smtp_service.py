"""What the SMTP kinds share."""

from __future__ import annotations

from abc import abstractmethod

from mailsetup.mail_services.base import CredentialValue, Mail, MailService, Report, SendResult, Token
from mailsetup.mail_services.smtp import Login


class SMTPService(MailService):
    """A kind that speaks SMTP."""

    @abstractmethod
    def server(self) -> tuple[str, int, str]:
        """Host, port and TLS mode."""

    @abstractmethod
    def login(self, token: Token | None) -> Login | None:
        """How to sign in."""

    def required_credential(self) -> CredentialValue:
        """The credential."""
        raise NotImplementedError

    def check_settings(self) -> None:
        """Checks."""

    def open(self, report: Report) -> None:
        """Opens."""
        raise NotImplementedError

    def deliver(self, mail: Mail, report: Report) -> SendResult:
        """Sends."""
        raise NotImplementedError
