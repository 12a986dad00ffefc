"""Mail servers that are not Microsoft's: with STARTTLS, with TLS, without either, and the operator's own."""

from __future__ import annotations

import secrets
import ssl
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from mailsetup.sandbox.smtp_door import Conversation, Door, login_and_password, refused_sign_in

_WRONG = "535 5.7.8 Error: authentication failed"


class LoginDoor(Door):
    """A mail server that wants TLS by STARTTLS, and a login."""

    name = "SMTP STARTTLS"

    def conversation(self, tls: ssl.SSLContext) -> Conversation:
        """TLS is asked for before anything else."""
        return Conversation(
            self,
            ident=self.ident,
            tls_context=tls,
            require_starttls=True,
            authenticator=self.authenticate,
        )

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        """AUTH PLAIN or LOGIN against the world's accounts (RFC 4954)."""
        login, password = login_and_password(data)
        fault = self.switched("auth", "auth:basic")
        if fault is not None:
            return refused_sign_in(self.filled(fault, user=login))
        if not self._knows(login, password):
            self.note(f"AUTH {mechanism}", _WRONG, failed=True, login=login)
            return refused_sign_in(_WRONG)
        self.note(f"AUTH {mechanism}", "235 2.7.0 Authentication successful", login=login)
        if isinstance(server, Conversation):
            server.login = login
        return AuthResult(success=True, auth_data=data)

    def check_sender(self, talk: Conversation, address: str) -> str | None:
        """Mail only after a login."""
        return None if talk.login else "530 5.7.0 Authentication required"

    def _knows(self, login: str, password: str) -> bool:
        return any(
            login.lower() == account.address and secrets.compare_digest(password.encode(), account.password.encode())
            for account in self.state.world.accounts
        )


class TlsDoor(LoginDoor):
    """A mail server that speaks TLS from the first byte, and wants a login."""

    name = "SMTP TLS"

    def conversation(self, tls: ssl.SSLContext) -> Conversation:
        """The listening socket does the TLS, so aiosmtpd must not ask for it again."""
        return Conversation(self, ident=self.ident, auth_require_tls=False, authenticator=self.authenticate)


class RelayDoor(Door):
    """A relay inside a network: no TLS, no login."""

    name = "SMTP plain"

    def conversation(self, tls: ssl.SSLContext) -> Conversation:
        """Offers no extension that protects anything."""
        return Conversation(self, ident=self.ident, auth_exclude_mechanism=("LOGIN", "PLAIN"))


class OperatorDoor(RelayDoor):
    """The operator's own mailer, for alerts and invitations; not hit by the switches of the others."""

    name = "Operator SMTP"
    family = "operator"
