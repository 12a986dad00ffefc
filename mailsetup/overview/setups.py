"""What the first page says of setups, and which of many it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.outbound.models import BROKEN, DEGRADED, HEALTHY, PAUSED, UNVERIFIED, OutboundConfig

SHOWN = 12
URGENCY = (BROKEN, DEGRADED, UNVERIFIED, PAUSED, HEALTHY)


@dataclass(frozen=True)
class SetupLine:
    """As much of a setup as the first page shows: whole rows with all their settings take ten times as long."""

    id: UUID
    name: str
    health: str
    health_reason: str
    from_address: str
    blocked_until: datetime | None


def setup_lines(session: Session, workspace_id: UUID) -> list[SetupLine]:
    """The workspace's setups, the default first, then by name."""
    columns = (getattr(OutboundConfig, name) for name in SetupLine.__annotations__)
    wanted = select(*columns).where(OutboundConfig.workspace_id == workspace_id)
    ordered = wanted.order_by(OutboundConfig.is_default.desc(), OutboundConfig.name)
    return [SetupLine(*row) for row in session.execute(ordered)]


def foremost(configs: Sequence[SetupLine], waiting: Mapping[UUID, int], *, limit: int = SHOWN) -> list[SetupLine]:
    """As many setups as fit: few of them in their own order, of many those that need somebody, then the busiest."""
    if len(configs) <= limit:
        return list(configs)
    return sorted(configs, key=lambda config: (URGENCY.index(config.health), -waiting[config.id], config.name))[:limit]
