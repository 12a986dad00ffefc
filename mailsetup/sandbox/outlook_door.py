"""Exchange Online's client submission: STARTTLS, then XOAUTH2 (or a password, where that is still allowed).

https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import ssl
from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import format_datetime, parseaddr
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session, auth_mechanism

from mailsetup.sandbox.people import Mailbox
from mailsetup.sandbox.resources import OUTLOOK
from mailsetup.sandbox.smtp_door import Conversation, Door, login_and_password, refused_sign_in, same_address
from mailsetup.sandbox.switches import FAULTS
from mailsetup.sandbox.tokens import Bearer, TokenRefused, read_access_token

CONNECTIONS_PER_MAILBOX = 3
_XOAUTH2 = re.compile(r"user=([^\x01]*)\x01auth=bearer ([^\x01]+)\x01\x01", re.IGNORECASE)
_OK = "235 2.7.0 Authentication successful"


def _reply(label: str) -> str:
    return FAULTS[f"smtp:{label}"].gist


class OutlookConversation(Conversation):
    """A connection to client submission: AUTH is known only after STARTTLS."""

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802 (named by aiosmtpd)
        """RFC 4954; before TLS Exchange does not know the command's mechanisms."""
        if self.encrypted:
            await super().smtp_AUTH(arg)
        else:
            await self.push(_reply("5.7.4"))


class OutlookDoor(Door):
    """smtp.office365.com, port 587."""

    name = "Outlook SMTP"
    family = "smtp"

    def conversation(self, tls: ssl.SSLContext) -> Conversation:
        """Greets as Exchange does."""
        ident = f"Microsoft ESMTP MAIL Service ready at {format_datetime(datetime.now(UTC))}"
        return OutlookConversation(
            self, ident=ident, tls_context=tls, auth_exclude_mechanism=("PLAIN",), authenticator=self.authenticate
        )

    def left(self, talk: Conversation) -> None:
        """Frees the connection's place in its mailbox."""
        if talk.place:
            self.state.crowd.leave(("smtp", talk.login))
            talk.place = 0

    @auth_mechanism("XOAUTH2")
    async def auth_XOAUTH2(self, server: Conversation, args: list[str]) -> AuthResult:  # noqa: N802 (named by aiosmtpd)
        """The token may come with the command or after an empty challenge."""
        answer = args[1] if len(args) > 1 else await self._challenged(server)
        user, token = _user_and_token(answer)
        fault = self.switched("auth", "auth:oauth")
        refusal = self.filled(fault, user=user) if fault is not None else self._refusal(user, token)
        if refusal is not None:
            self.note("AUTH XOAUTH2", refusal, failed=True, user=user)
            return refused_sign_in(refusal)
        return self._signed_in(server, "AUTH XOAUTH2", user)

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        """AUTH LOGIN with a password."""
        user, password = login_and_password(data)
        fault = self.switched("auth", "auth:basic")
        refusal = self.filled(fault, user=user) if fault is not None else self._password_refusal(user, password)
        if refusal is not None:
            self.note(f"AUTH {mechanism}", refusal, failed=True, user=user)
            return refused_sign_in(refusal)
        return self._signed_in(server, f"AUTH {mechanism}", user)

    def check_sender(self, talk: Conversation, address: str) -> str | None:
        """TLS, then a login, then an address of that login."""
        if not talk.encrypted:
            return _reply("451 5.7.3")
        if not talk.login:
            return _reply("5.7.57")
        return None if self._may_send_as(talk.login, address) else _reply("5.7.60")

    def check_content(self, talk: Conversation, envelope: Envelope) -> str | None:
        """At most three connections of a mailbox send; the From header is held to the same rule as the envelope."""
        if talk.place > CONNECTIONS_PER_MAILBOX:
            return _reply("432 4.3.2")
        header = str(message_from_bytes(envelope.original_content or b"").get("From", ""))
        sender = parseaddr(header)[1]
        if sender and not self._may_send_as(talk.login, sender):
            return _reply("5.2.252").format(user=talk.login, sender=sender)
        return None

    async def _challenged(self, server: Conversation) -> str:
        answer = await server.challenge_auth("")
        return base64.b64encode(answer).decode() if isinstance(answer, bytes) else ""

    def _signed_in(self, server: SMTP, asked: str, user: str) -> AuthResult:
        self.note(asked, _OK, user=user)
        if isinstance(server, Conversation):
            server.login = user.lower()
            server.place = self.state.crowd.enter(("smtp", server.login))
        return AuthResult(success=True, auth_data=user)

    def _refusal(self, user: str, token: str) -> str | None:
        try:
            bearer = read_access_token(self.state, token, OUTLOOK)
        except TokenRefused:
            return _reply("5.7.3")
        mailbox = self.state.world.find_mailbox(user, bearer.consent.tenant_id)
        if mailbox is None or not mailbox.licensed or not _may_use(bearer, mailbox):
            return _reply("5.7.3")
        return self._switched_off(mailbox)

    def _password_refusal(self, user: str, password: str) -> str | None:
        mailbox = self.state.world.find_mailbox(user)
        if mailbox is None:
            return _reply("5.7.139-credentials")
        organisation = self.state.world.organisation_of(mailbox)
        checks = (
            (organisation.security_defaults, "5.7.139-security-defaults"),
            (not organisation.basic_auth, "5.7.139-basic"),
            (mailbox.blocked, "5.7.139-locked"),
            (not secrets.compare_digest(mailbox.password.encode(), password.encode()), "5.7.139-credentials"),
            (mailbox.mfa, "5.7.139-criteria"),
        )
        wrong = next((label for is_wrong, label in checks if is_wrong), None)
        return self._switched_off(mailbox) or (_reply(wrong) if wrong else None)

    def _switched_off(self, mailbox: Mailbox) -> str | None:
        if not mailbox.smtp_auth:
            return _reply("5.7.139-mailbox")
        if not self.state.world.organisation_of(mailbox).smtp_auth:
            return _reply("5.7.139-tenant")
        return None

    def _may_send_as(self, login: str, address: str) -> bool:
        mailbox = self.state.world.find_mailbox(login)
        return mailbox is not None and same_address(address, [mailbox.address, *mailbox.send_as])


def _may_use(bearer: Bearer, mailbox: Mailbox) -> bool:
    if bearer.person is None:
        limited = bearer.consent.limited_to
        return "outlook/SMTP.SendAsApp" in bearer.permissions and (not limited or mailbox.address in limited)
    own = bearer.person.address == mailbox.address or mailbox.address in bearer.person.send_as
    return "outlook/SMTP.Send" in bearer.permissions and own


def _user_and_token(answer: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(answer, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    found = _XOAUTH2.fullmatch(text)
    return (found[1], found[2]) if found else ("", "")
