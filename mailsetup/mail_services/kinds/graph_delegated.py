"""Graph as a signed-in person: the mailbox's owner allows us to send, with multi-factor authentication."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailsetup.mail_services import microsoft, own_senders
from mailsetup.mail_services.base import Arrival, Consent, Platform, Token, TokenCache
from mailsetup.mail_services.clouds import Cloud, cloud_of
from mailsetup.mail_services.graph_profile import own_addresses
from mailsetup.mail_services.graph_service import GraphService, graph_fields
from mailsetup.mail_services.standard_fields import clean_mailbox, clean_sender
from mailsetup.mail_services.values import Answers

SHARED = "Mail.Send.Shared"


def _scopes(cloud: Cloud, *, shared: bool) -> tuple[str, ...]:
    """Mail.Send and no more, unless a shared mailbox is wanted: ordinary users may allow it themselves."""
    return cloud.graph_scopes("Mail.Send", *([SHARED] if shared else ()), "User.Read")


def _may_share(public: Mapping[str, str]) -> bool:
    return any(scope.endswith(f"/{SHARED}") for scope in public.get("account_scopes", "").split())


class GraphDelegated(GraphService):
    """Sends as the person who signed in (learn.microsoft.com/graph/api/user-sendmail, `/me`)."""

    kind = "graph_delegated"
    label = "Microsoft 365, by signing in"
    summary = (
        "You sign in as the mailbox. Works with multi-factor authentication. "
        "Needs signing in again if your organisation's rules ask for it."
    )
    position = 2
    credential_types = ("microsoft_grant",)
    consent = Consent.SIGN_IN
    sign_in_permission = "Mail.Send"
    shared_permission = SHARED
    can_share = True
    fields = graph_fields(
        username="The mailbox you sign in with at Microsoft; a copy of each mail stays in its Sent Items.",
        from_address=(
            "The address people see. It must be the mailbox you sign in with, "
            "or, signed in for shared mailboxes, one that it may send as or on behalf of."
        ),
    )

    @classmethod
    def clean(cls, raw: Mapping[str, str], *, platform: Platform) -> dict[str, Any]:
        """The settings out of a form. Raises InvalidInput by field."""
        answers = Answers(raw)
        sender = clean_sender(answers)
        mailbox = clean_mailbox(answers, sender["from_address"])
        answers.finish()
        return {**cls.endpoint(platform), "username": mailbox, **sender}

    @classmethod
    def sign_in_scopes(cls, public: Mapping[str, str], platform: Platform) -> tuple[str, ...]:
        """What the person is asked to allow."""
        return _scopes(cloud_of(public.get("cloud", ""), platform), shared=bool(public.get("shared")))

    @classmethod
    def addresses_of(cls, public: Mapping[str, str], platform: Platform, token: Token) -> tuple[str, ...]:
        """As Graph knows the person; the name at sign-in need not be one of them."""
        return own_addresses(platform, cloud_of(public.get("cloud", ""), platform), token)

    @classmethod
    def refusals(cls, settings: Mapping[str, Any], public: Mapping[str, str]) -> dict[str, str]:
        """From one's own addresses; from others only with the permission for shared mailboxes."""
        return own_senders.refusals(settings, public, other_sender=_may_share(public))

    @classmethod
    def doubts(cls, settings: Mapping[str, Any], public: Mapping[str, str]) -> tuple[str, ...]:
        """Whether an alias may send is the organisation's choice."""
        return own_senders.doubts(settings, public)

    def fetch_token(self, cache: TokenCache, *, fresh: bool = False) -> Token:
        """A token of the signed-in person. Raises TransportError."""
        credential = self.required_credential()
        scopes = self.sign_in_scopes(credential.public, self.platform)
        return microsoft.acquire_user_token(self.platform, credential, scopes, cache, fresh=fresh)

    @property
    def send_path(self) -> str:
        """Where a mail is posted to."""
        return "/v1.0/me/sendMail"

    def reading_path(self, recipient: str) -> str:
        """The signed-in person's own mailbox, the only one that can be read."""
        return "/v1.0/me"

    def find_mail(self, recipient: str, message_id: str) -> Arrival | None:
        """The mail in the signed-in person's own mailbox. Raises TransportError."""
        mine = recipient.lower() == str(self.settings["username"]).lower()
        return super().find_mail(recipient, message_id) if mine else None
