"""Graph with client credentials: an app that a Microsoft admin registered sends, nobody signs in."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from mailsetup.mail_services import graph, microsoft
from mailsetup.mail_services.base import Consent, Field, Platform, Report, Token, TokenCache
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.graph_service import VERIFIED, GraphService, graph_fields
from mailsetup.mail_services.standard_fields import clean_mailbox, clean_sender
from mailsetup.mail_services.values import Answers

TO_NOBODY = base64.b64encode(b"Subject: May this app send as this mailbox\r\n\r\n")


class GraphClientCredentials(GraphService):
    """Sends as any mailbox the app is allowed to (user: sendMail, learn.microsoft.com/graph/api/user-sendmail)."""

    kind = "graph_client_credentials"
    label = "Microsoft Office 365 Exchange (Graph) with OAuth 2.0"
    summary = "For mail sent by software, without anyone signing in. Your Microsoft admin sets it up once."
    position = 1
    recommended = True
    credential_types = ("microsoft_app",)
    consent = Consent.ADMIN
    app_permission = "Mail.Send"
    larger = "Larger ones go when verified sending is on in the setup; it needs the permission Mail.ReadWrite."
    fields = (
        *graph_fields(
            username=(
                "The mailbox that mail is sent through; a copy stays in its Sent Items. "
                "Leave blank to use the From address."
            ),
            from_address="The address people see. It is the mailbox itself, or one it has Send As rights for.",
        ),
        Field(
            VERIFIED,
            "Verified sending: look before sending again, and send attachments over 3 MB",
            "When Microsoft's answer to a mail gets lost, we look into the mailbox instead of sending the mail again. "
            "This needs the permission Mail.ReadWrite beside Mail.Send, which lets the app read and change this "
            "mailbox. Leave it off to give the app no more than it needs.",
            input="checkbox",
            required=False,
        ),
    )

    @classmethod
    def clean(cls, raw: Mapping[str, str], *, platform: Platform) -> dict[str, Any]:
        """The settings out of a form. Raises InvalidInput by field."""
        answers = Answers(raw)
        sender = clean_sender(answers)
        mailbox = clean_mailbox(answers, sender["from_address"])
        verified = {VERIFIED: True} if answers.ticked(VERIFIED) else {}
        answers.finish()
        return {**cls.endpoint(platform), "username": mailbox, **sender, **verified}

    def fetch_token(self, cache: TokenCache, *, fresh: bool = False) -> Token:
        """An app-only token for Graph. Raises TransportError."""
        return microsoft.acquire_app_token(
            self.platform, self.required_credential(), self.cloud.graph_scope, cache, fresh=fresh
        )

    @classmethod
    def more_permissions(cls, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Verified sending looks into the mailbox."""
        return ("Mail.ReadWrite",) if settings.get(VERIFIED) else ()

    def may_use(self, mailbox: str) -> bool:
        """Graph looks at the right before it looks at the mail, and a mail to nobody goes nowhere."""
        self.open(Report())
        try:
            graph.send(self._opened_lane(), f"{self.path_of(mailbox)}/sendMail", TO_NOBODY, self._valid_token())
        except TransportError as error:
            if error.http_status == 403:
                return False
            # Exchange's own codes begin like that: the mail was looked at, so the right was there.
            if error.http_status != 400 or not error.code.startswith("Error"):
                raise
        return True

    @property
    def send_path(self) -> str:
        """Where a mail is posted to."""
        return f"{self.path_of(str(self.settings['username']))}/sendMail"
