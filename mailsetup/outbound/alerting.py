"""Tells the alerts which addresses the setups name, and how much mail waits for one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.alerts import listeners, remarks, waiting
from mailsetup.alerts.listeners import SetupAddress
from mailsetup.alerts.models import Alert
from mailsetup.outbound import detours
from mailsetup.outbound.configs import same_sender
from mailsetup.outbound.models import BROKEN, OutboundConfig
from mailsetup.outbound.waiting import count_waiting

_SUBJECT = "outbound:"


def alerts_addresses(session: Session, workspace_id: uuid.UUID) -> Iterator[SetupAddress]:
    """The address of each setup of a workspace."""
    wanted = select(OutboundConfig).where(OutboundConfig.workspace_id == workspace_id).order_by(OutboundConfig.name)
    for config in session.scalars(wanted):
        yield SetupAddress(config.alerts_address, config.name, config.id)


def waiting_for(session: Session, workspace_id: uuid.UUID, subject_key: str) -> int | None:
    """The mail that waits for the setup an alert is about; None for an alert about something else."""
    config_id = _setup_of(subject_key)
    return None if config_id is None else count_waiting(session, [config_id])[config_id]


def _setup_of(subject_key: str) -> uuid.UUID | None:
    if not subject_key.startswith(_SUBJECT):
        return None
    try:
        return uuid.UUID(subject_key.removeprefix(_SUBJECT))
    except ValueError:
        return None


def another_way(session: Session, alert: Alert) -> str:
    """Which setup carries the mail of the one an alert is about, and how much went out that way."""
    config_id = _setup_of(alert.subject_key)
    config = session.get(OutboundConfig, config_id) if config_id else None
    if config is None:
        return ""
    return " ".join(filter(None, (_carrier(session, config), detours.since(session, config.id, alert.opened_at))))


def _carrier(session: Session, config: OutboundConfig) -> str:
    other = session.get(OutboundConfig, config.fallback_id) if config.fallback_id else None
    if config.health != BROKEN or other is None or not other.sends or not same_sender(other, config):
        return ""
    return f"While it is broken, “{other.name}” carries its mail."


def register() -> None:
    """Makes both known; doing it twice changes nothing."""
    listeners.register(alerts_addresses)
    waiting.register(waiting_for)
    remarks.register(another_way)


register()
