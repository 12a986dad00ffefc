"""Tells product code how setups are doing."""

from __future__ import annotations

from sqlalchemy.orm import Session

from mailsetup.events import catalogue
from mailsetup.events.emit import Happening, emit
from mailsetup.outbound.models import BROKEN, HEALTHY, SENDING_STATES, OutboundConfig
from mailsetup.outbound.waiting import count_waiting


def tell(session: Session, config: OutboundConfig, before: str) -> None:
    """The setup's health has just changed from `before`."""
    event = _event(before, config.health)
    if event:
        emit(session, config.workspace_id, event, lambda: [_happening(session, config)])


def _event(before: str, after: str) -> str:
    if after == BROKEN:
        return catalogue.SETUP_BROKEN
    if before == BROKEN and after in SENDING_STATES:
        return catalogue.SETUP_RECOVERED
    return catalogue.SETUP_HEALTHY if after == HEALTHY else ""


def _happening(session: Session, config: OutboundConfig) -> Happening:
    facts = {
        "id": str(config.id),
        "name": config.name,
        "from_address": config.from_address,
        "health": config.health,
        "since": config.health_since.isoformat(),
        "cause": config.health_cause,
        "reason": config.health_reason,
        "waiting": count_waiting(session, [config.id])[config.id],
    }
    return Happening(f"setup:{config.id}", facts)
