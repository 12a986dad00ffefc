"""What one mailbox takes, kept a little below what its mail service allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Exchange Online answers to these names whichever way somebody signs in.
_EXCHANGE_HOSTS = (
    "office365.com",
    "office365.us",
    "smtp.partner.outlook.cn",
    "smtp-mail.outlook.com",
)


@dataclass(frozen=True)
class Limits:
    """Over all setups and workers that send through one mailbox; None where the service names no limit.

    `recipients_a_day` counts the last 24 hours. `refusals_in_row` is how many refused mails, with none
    accepted between them, stop a setup.
    """

    per_minute: int | None = None
    connections: int | None = None
    recipients_a_day: int | None = None
    refusals_in_row: int | None = None

    @property
    def counted(self) -> bool:
        """Whether somebody has to count mails or recipients."""
        return self.per_minute is not None or self.recipients_a_day is not None

    def lowered(self, per_minute: int | None, connections: int | None, recipients_a_day: int | None) -> Limits:
        """The limits with a setup's own where those are lower."""
        return Limits(
            _lower(self.per_minute, per_minute),
            _lower(self.connections, connections),
            _lower(self.recipients_a_day, recipients_a_day),
            self.refusals_in_row,
        )


def _lower(one: int | None, other: int | None) -> int | None:
    given = [limit for limit in (one, other) if limit is not None]
    return min(given, default=None)


# Exchange Online: 30 messages a minute, 10,000 recipients in 24 hours (Exchange Online limits, "Sending limits");
# 4 requests at once for an app and a mailbox (Graph throttling limits), 3 connections (SMTP AUTH submission).
GRAPH = Limits(per_minute=28, connections=4, recipients_a_day=9_500)
EXCHANGE_SMTP = Limits(per_minute=28, connections=3, recipients_a_day=9_500, refusals_in_row=10)


def is_exchange(host: str) -> bool:
    """Whether Exchange Online is behind this name."""
    return any(host.lower() == end or host.lower().endswith(f".{end}") for end in _EXCHANGE_HOSTS)


def exchange_mailbox(settings: Mapping[str, Any]) -> str:
    """One name for a mailbox of Exchange Online, whichever way mail gets to it."""
    return f"exchange:{settings.get('username') or settings.get('from_address', '')}".lower()
