"""SMTP to Exchange Online with a token instead of a password: app-only, or as a signed-in person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mailsetup.mail_services import limits, microsoft, own_senders
from mailsetup.mail_services.base import Consent, Field, Platform, Report, Token, TokenCache, WayOut
from mailsetup.mail_services.clouds import cloud_of, is_personal
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.graph_profile import own_addresses
from mailsetup.mail_services.smtp_auth import Login
from mailsetup.mail_services.smtp_service import SMTPService
from mailsetup.mail_services.standard_fields import clean_mailbox, clean_sender, standard_fields
from mailsetup.mail_services.values import Answers

SMTP_OFF = (
    "SMTP sign-in is switched off at Microsoft. Graph does not need it: the same app or sign-in and the same values "
    "can be used there."
)


class SMTPXOAuth2(SMTPService):
    """Submission with XOAUTH2 (learn.microsoft.com, "Authenticate an IMAP, POP or SMTP connection using OAuth")."""

    kind = "smtp_xoauth2"
    label = "SMTP with OAuth 2.0 (Microsoft 365)"
    summary = "When mail must go through smtp.office365.com."
    position = 3
    stages = ("settings", "token", "resolve", "connect", "tls", "authenticate", "sender", "recipient", "accept")
    credential_types = ("microsoft_app", "microsoft_grant")
    consent = Consent.SIGN_IN
    app_permission = "SMTP.SendAsApp"
    sign_in_permission = "SMTP.Send"
    can_share = True
    connections_per_mailbox = 3
    limits = limits.EXCHANGE_SMTP
    fields = standard_fields(
        {
            "host": (
                "Exchange Online's mail server. It follows from the Microsoft cloud of the credential; for personal "
                "accounts, such as outlook.com, it is smtp-mail.outlook.com."
            ),
            "port": "Exchange Online takes mail from programs on this port.",
            "tls": "Exchange Online demands STARTTLS: the connection is encrypted before anything is said.",
            "username": (
                "The mailbox that we sign in to and that identifies the sender in the mail's headers. "
                "Leave blank to use the From address."
            ),
            "from_address": (
                "The address people see. It is the mailbox itself, or one it has Send As rights for; signed in as a "
                "person, one of that person's own unless you signed in for shared mailboxes."
            ),
        },
        fixed={"host": "smtp.office365.com", "port": "587", "tls": "starttls"},
    )

    @classmethod
    def form_fields(cls, platform: Platform) -> tuple[Field, ...]:
        """The fields with the mail server of the operator's settings."""
        shown = {"host": platform.outlook_smtp_host, "port": str(platform.outlook_smtp_port)}
        return tuple(replace(one, default=shown.get(one.name, one.default)) for one in cls.fields)

    @classmethod
    def clean(cls, raw: Mapping[str, str], *, platform: Platform) -> dict[str, Any]:
        """The settings out of a form. Raises InvalidInput by field."""
        answers = Answers(raw)
        sender = clean_sender(answers)
        mailbox = clean_mailbox(answers, sender["from_address"])
        answers.finish()
        server = {"host": platform.outlook_smtp_host, "port": platform.outlook_smtp_port, "tls": "starttls"}
        return {**server, "username": mailbox, **sender}

    @classmethod
    def way_out(cls, settings: Mapping[str, Any], credential_type: str, cause: str) -> WayOut | None:
        """Graph needs no SMTP sign-in to be switched on."""
        if not cause.startswith("smtp_auth_off"):
            return None
        kind = "graph_client_credentials" if credential_type == "microsoft_app" else "graph_delegated"
        return WayOut(kind, "Move to Graph", SMTP_OFF)

    @classmethod
    def sign_in_scopes(cls, public: Mapping[str, str], platform: Platform) -> tuple[str, ...]:
        """What the person is asked to allow."""
        return (cloud_of(public.get("cloud", ""), platform).smtp_scope,)

    @classmethod
    def profile_scopes(cls, public: Mapping[str, str], platform: Platform) -> tuple[str, ...]:
        """A token for SMTP opens nothing else: which addresses the person has is asked at Graph."""
        return cloud_of(public.get("cloud", ""), platform).graph_scopes("User.Read")

    @classmethod
    def addresses_of(cls, public: Mapping[str, str], platform: Platform, token: Token) -> tuple[str, ...]:
        """As Graph knows the person; the name at sign-in need not be one of them."""
        return own_addresses(platform, cloud_of(public.get("cloud", ""), platform), token)

    @classmethod
    def refusals(cls, settings: Mapping[str, Any], public: Mapping[str, str]) -> dict[str, str]:
        """From one's own addresses; a shared mailbox, and signing in to it, only where the person said so."""
        shared = bool(public.get("shared"))
        return own_senders.refusals(settings, public, other_sender=shared, other_mailbox=shared)

    @classmethod
    def doubts(cls, settings: Mapping[str, Any], public: Mapping[str, str]) -> tuple[str, ...]:
        """Whether an alias may send is the organisation's choice."""
        return own_senders.doubts(settings, public)

    @classmethod
    def host_of(cls, settings: Mapping[str, Any], public: Mapping[str, str]) -> str:
        """Personal accounts have a server of their own."""
        known = super().host_of(settings, public)
        return f"{known} personal" if is_personal(public) else known

    def fetch_token(self, cache: TokenCache, *, fresh: bool = False) -> Token:
        """A token for SMTP: the app's own, or the signed-in person's. Raises TransportError."""
        credential = self.required_credential()
        cloud = cloud_of(credential.public.get("cloud", ""), self.platform)
        if credential.type == "microsoft_app":
            return microsoft.acquire_app_token(self.platform, credential, cloud.smtp_app_scope, cache, fresh=fresh)
        return microsoft.acquire_user_token(self.platform, credential, (cloud.smtp_scope,), cache, fresh=fresh)

    @classmethod
    def mailbox_of(cls, settings: Mapping[str, Any], public: Mapping[str, str]) -> str:
        """The mailbox, whichever way mail gets to it."""
        return limits.exchange_mailbox(settings)

    def may_use(self, mailbox: str) -> bool:
        """Signing in as the mailbox is what the right is for."""
        other = type(self)(
            {**self.settings, "username": mailbox},
            credential=self.credential,
            platform=self.platform,
            tokens=self.tokens,
        )
        try:
            other.open(Report())
        except TransportError as error:
            if error.stage == "authenticate" and error.permanent:
                return False
            raise
        finally:
            other.close()
        return True

    def server(self) -> tuple[str, int, str]:
        """The mail server of the credential's cloud, or that of personal accounts."""
        public = self.required_credential().public
        cloud = cloud_of(public.get("cloud", ""), self.platform)
        return cloud.personal_smtp_host if is_personal(public) else cloud.smtp_host, cloud.smtp_port, "starttls"

    def login(self, token: Token | None) -> Login | None:
        """The mailbox with its token."""
        public = self.required_credential().public
        aliases = frozenset(one for one in own_senders.addresses(public) if own_senders.main_address(one, public))
        return Login(str(self.settings["username"]), token.value, ("XOAUTH2",), aliases) if token else None
