"""The channels a notice can take. All but mail are one POST through the egress door; see docs/decisions.md."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mailsetup.alerts import chat
from mailsetup.alerts.facts import NoticeFacts
from mailsetup.alerts.recipients import EMAIL, OPERATOR_WEBHOOK
from mailsetup.core.clock import utcnow

WEBHOOK = "webhook"
Builder = Callable[[Sequence[NoticeFacts]], dict[str, Any]]


@dataclass(frozen=True)
class Channel:
    """One kind of way: what people call it, where its address is found, and what it is sent."""

    slug: str
    label: str
    summary: str
    help: str = ""
    placeholder: str = ""
    build: Builder | None = None
    signed: bool = False


def _signed_event(notices: Sequence[NoticeFacts]) -> dict[str, Any]:
    """A payload as Standard Webhooks advises: type, timestamp, data."""
    data = [chat.event_of(facts) for facts in notices]
    one = len(data) == 1
    return {
        "type": f"alert.{notices[0].event}" if one else "alert.digest",
        "timestamp": utcnow().isoformat(),
        "data": data[0] if one else {"alerts": data},
    }


CHANNELS = {
    channel.slug: channel
    for channel in (
        Channel(EMAIL, "Mail", "A mail to any address.", "", "ops@example.com"),
        Channel(
            "slack",
            "Slack",
            "A message in a channel. Mattermost and Rocket.Chat read the same.",
            "In Slack: your app's page > Incoming Webhooks > Add New Webhook to Workspace; copy the address.",
            "https://hooks.slack.com/services/...",
            chat.slack,
        ),
        Channel(
            "teams",
            "Microsoft Teams",
            "A card in a channel.",
            "In Teams: the channel's menu > Workflows > Send webhook alerts to a channel; copy the address.",
            "https://...logic.azure.com/workflows/...",
            chat.teams,
        ),
        Channel(
            "google_chat",
            "Google Chat",
            "A message in a space.",
            "In Google Chat: the space's menu > Apps & integrations > Webhooks > Add webhook; copy the address.",
            "https://chat.googleapis.com/v1/spaces/...",
            chat.google_chat,
        ),
        Channel(
            "discord",
            "Discord",
            "A message in a channel.",
            "In Discord: Edit channel > Integrations > Webhooks > New webhook; copy the address.",
            "https://discord.com/api/webhooks/...",
            chat.discord,
        ),
        Channel(
            WEBHOOK,
            "Signed webhook",
            "JSON for a program of yours, signed as standardwebhooks.com describes.",
            "Your program checks the signature with the secret that is shown once after saving.",
            "https://example.com/hooks/mail",
            _signed_event,
            signed=True,
        ),
    )
}
_OPERATOR = Channel(OPERATOR_WEBHOOK, "The operator's webhook", "", build=_signed_event, signed=True)


def channel_of(slug: str) -> Channel:
    """The channel of this name; the operator's webhook is one that nobody can choose."""
    return _OPERATOR if slug == OPERATOR_WEBHOOK else CHANNELS[slug]


def body_of(channel: Channel, notices: Sequence[NoticeFacts]) -> bytes:
    """The JSON that goes out."""
    if channel.build is None:
        raise ValueError(f"{channel.slug} is not sent as JSON")
    return json.dumps(channel.build(notices), ensure_ascii=False).encode()
