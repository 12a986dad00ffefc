"""What the Graph kinds share."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

from mailsetup.mail_services.base import CredentialValue, Field, Mail, MailService, Platform, Report, SendResult
from mailsetup.mail_services.clouds import Cloud, cloud_of
from mailsetup.mail_services.standard_fields import standard_fields


def graph_fields(*, username: str, from_address: str) -> tuple[Field, ...]:
    """The standard fields, with host, port and TLS given by Graph."""
    return standard_fields(
        {
            "host": "Microsoft Graph, Microsoft's door for programs. It follows from the Microsoft cloud.",
            "port": "Graph is reached like a web page, on the HTTPS port.",
            "tls": "The connection is encrypted from the start; Graph allows nothing else.",
            "username": username,
            "from_address": from_address,
        },
        fixed={"host": "graph.microsoft.com", "port": "443", "tls": "implicit"},
    )


class GraphService(MailService):
    """A kind that sends through Microsoft Graph."""

    stages = ("settings", "token", "resolve", "connect", "tls", "authenticate", "sender", "recipient", "accept")
    connections_per_mailbox = 4
    messages_per_minute = 30

    @classmethod
    def endpoint(cls, platform: Platform) -> dict[str, Any]:
        """Host, port and TLS of Graph, as settings."""
        parts = urlsplit(platform.graph_url)
        return {"host": parts.hostname or "", "port": parts.port or 443, "tls": "implicit"}

    @classmethod
    def form_fields(cls, platform: Platform) -> tuple[Field, ...]:
        """The fields with Graph's address out of the operator's settings."""
        shown = {name: str(value) for name, value in cls.endpoint(platform).items()}
        return tuple(replace(one, default=shown.get(one.name, one.default)) for one in cls.fields)

    @property
    def cloud(self) -> Cloud:
        """The Microsoft cloud of the credential."""
        return cloud_of(self.required_credential().public.get("cloud", ""), self.platform)

    @property
    @abstractmethod
    def send_path(self) -> str:
        """Where a mail is posted to."""

    def path_of(self, mailbox: str) -> str:
        """The sendMail address of a mailbox."""
        return f"/v1.0/users/{quote(mailbox, safe='@')}/sendMail"

    def required_credential(self) -> CredentialValue:
        """The credential."""
        raise NotImplementedError

    def open(self, report: Report) -> None:
        """Opens."""
        raise NotImplementedError

    def deliver(self, mail: Mail, report: Report) -> SendResult:
        """Sends."""
        raise NotImplementedError
