"""Which of many setups the first page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from mailsetup.outbound.models import BROKEN, DEGRADED, HEALTHY, PAUSED, UNVERIFIED, OutboundConfig

SHOWN = 12
URGENCY = (BROKEN, DEGRADED, UNVERIFIED, PAUSED, HEALTHY)


def foremost(
    configs: Sequence[OutboundConfig], waiting: Mapping[UUID, int], *, limit: int = SHOWN
) -> list[OutboundConfig]:
    """As many setups as fit: few of them in their own order, of many those that need somebody, then the busiest."""
    if len(configs) <= limit:
        return list(configs)
    return sorted(configs, key=lambda config: (URGENCY.index(config.health), -waiting[config.id], config.name))[:limit]
