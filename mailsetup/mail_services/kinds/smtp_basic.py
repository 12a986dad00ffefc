"""SMTP with user name and password, or without a login: any mail server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailsetup.mail_services.authorities import authority_certificates
from mailsetup.mail_services.base import Field, Platform, Token, WayOut
from mailsetup.mail_services.clouds import CLOUDS
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.limits import EXCHANGE_SMTP, Limits, exchange_mailbox, is_exchange
from mailsetup.mail_services.smtp_auth import Login
from mailsetup.mail_services.smtp_service import SMTPService
from mailsetup.mail_services.standard_fields import clean_sender, clean_server, standard_fields
from mailsetup.mail_services.values import Answers, one_line

EXCHANGE_HOSTS = frozenset(cloud.smtp_host for cloud in CLOUDS.values())
TIMETABLE = (
    "Microsoft is ending sign-in with a password for Exchange Online. From the end of December 2026 it is off by "
    "default, and an administrator may switch it on again; for organisations made after that it is not available. The "
    "final date will be announced in the second half of 2027."
)


class SMTPBasic(SMTPService):
    """Submission with AUTH PLAIN or LOGIN (RFC 6409, RFC 4954)."""

    kind = "smtp_basic"
    label = "SMTP with user name and password"
    summary = (
        "Any mail server. Microsoft is retiring this for Exchange Online: off by default from the end of "
        "December 2026, final date to be announced in the second half of 2027."
    )
    position = 4
    stages = ("settings", "resolve", "connect", "tls", "authenticate", "sender", "recipient", "accept")
    credential_types = ("smtp_login",)
    credential_required = False
    fields = (
        *standard_fields(
            {
                "host": "The name of your mail server, as your mail provider gives it.",
                "port": "587 with STARTTLS is usual; 465 means TLS from the start.",
                "tls": "How the connection is encrypted. Without encryption anyone on the way can read the mail.",
                "username": (
                    "Identifies the sender in the mail's headers. Leave blank to use the user name "
                    "of the credential; that one is used for signing in."
                ),
                "from_address": "The address people see. Most servers want it to belong to the user name.",
            }
        ),
        Field(
            "allow_plain_login",
            "Send the password without encryption",
            "Only for a server inside your own network: anyone on the way can read the password.",
            input="checkbox",
            required=False,
        ),
        Field(
            "ca_pem",
            "Certificate of your own authority",
            "Only when the mail server's certificate comes from your company's own authority: paste the authority's "
            "certificate (PEM). Then only that authority may vouch for the server.",
            input="textarea",
            required=False,
            placeholder="-----BEGIN CERTIFICATE-----",
        ),
    )

    @classmethod
    def way_out(cls, settings: Mapping[str, Any], credential_type: str, cause: str) -> WayOut | None:
        """Exchange Online is ending sign-in by password (Exchange Team blog of January 2026, MC786329)."""
        host = str(settings.get("host", "")).lower()
        return WayOut("graph_client_credentials", "Move to Graph", TIMETABLE) if host in EXCHANGE_HOSTS else None

    @classmethod
    def clean(cls, raw: Mapping[str, str], *, platform: Platform) -> dict[str, Any]:
        """The settings out of a form. Raises InvalidInput by field."""
        answers = Answers(raw)
        settings = {**clean_server(answers), "username": answers.parsed("username", one_line), **clean_sender(answers)}
        settings["allow_plain_login"] = answers.ticked("allow_plain_login") and settings["tls"] == "none"
        if pinned := answers.parsed("ca_pem", authority_certificates):
            settings["ca_pem"] = pinned
        answers.finish()
        return settings

    @classmethod
    def mailbox_of(cls, settings: Mapping[str, Any], public: Mapping[str, str]) -> str:
        """The login at the host; without a login the From address, which is nobody's login."""
        host, user = str(settings.get("host", "")), public.get("username", "")
        if user and is_exchange(host):
            return exchange_mailbox({"username": user})
        who = f"smtp:{user}" if user else f"open:{settings.get('from_address', '')}"
        return f"{who}@{host}".lower()

    @classmethod
    def limits_of(cls, settings: Mapping[str, Any]) -> Limits:
        """Exchange Online's where it is behind the host; other servers name none."""
        return EXCHANGE_SMTP if is_exchange(str(settings.get("host", ""))) else cls.limits

    def check_settings(self) -> None:
        """A password is never sent in the clear unless someone ticked that it may be."""
        super().check_settings()
        if self.settings["tls"] == "none" and self.credential and not self.settings.get("allow_plain_login"):
            raise TransportError("", channel="settings", stage="settings", code="plain_login", permanent=True)

    def server(self) -> tuple[str, int, str]:
        """What was typed."""
        return str(self.settings["host"]), int(self.settings["port"]), str(self.settings["tls"])

    def login(self, token: Token | None) -> Login | None:
        """User name and password, or no login at all."""
        if self.credential is None:
            return None
        return Login(
            self.credential.public.get("username", ""), self.credential.secrets["password"], ("PLAIN", "LOGIN")
        )
