"""Graph with client credentials: an app that a Microsoft admin registered sends, nobody signs in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailsetup.mail_services import microsoft
from mailsetup.mail_services.base import Consent, Platform, Token, TokenCache
from mailsetup.mail_services.graph_service import GraphService, graph_fields
from mailsetup.mail_services.standard_fields import clean_mailbox, clean_sender
from mailsetup.mail_services.values import Answers


class GraphClientCredentials(GraphService):
    """Sends as any mailbox the app is allowed to (user: sendMail, learn.microsoft.com/graph/api/user-sendmail)."""

    kind = "graph_client_credentials"
    label = "Microsoft Office 365 Exchange (Graph) with OAuth 2.0"
    summary = "For mail sent by software, without anyone signing in. Your Microsoft admin sets it up once."
    position = 1
    recommended = True
    credential_types = ("microsoft_app",)
    consent = Consent.ADMIN
    fields = graph_fields(
        username=(
            "The mailbox that mail is sent through; a copy stays in its Sent Items. "
            "Leave blank to use the From address."
        ),
        from_address="The address people see. It is the mailbox itself, or one it has Send As rights for.",
    )

    @classmethod
    def clean(cls, raw: Mapping[str, str], *, platform: Platform) -> dict[str, Any]:
        """The settings out of a form. Raises InvalidInput by field."""
        answers = Answers(raw)
        sender = clean_sender(answers)
        mailbox = clean_mailbox(answers, sender["from_address"])
        answers.finish()
        return {**cls.endpoint(platform), "username": mailbox, **sender}

    def fetch_token(self, cache: TokenCache, *, fresh: bool = False) -> Token:
        """An app-only token for Graph. Raises TransportError."""
        return microsoft.acquire_app_token(
            self.platform, self.required_credential(), self.cloud.graph_scope, cache, fresh=fresh
        )

    @property
    def send_path(self) -> str:
        """Where a mail is posted to."""
        return self.path_of(str(self.settings["username"]))
