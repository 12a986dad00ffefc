"""The form in which a setup gets limits of its own, below those of its mail service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from mailsetup.core.errors import InvalidInput
from mailsetup.mail_services import registry
from mailsetup.mail_services.base import Field
from mailsetup.outbound.models import OutboundConfig
from mailsetup.workspaces import audit
from mailsetup.workspaces.audit import Actor

HIGHEST = 1_000_000


@dataclass(frozen=True)
class Limit:
    """One limit: the setup's column, its words, and what the service names in `Limits`."""

    column: str
    label: str
    service: str


LIMITS = (
    Limit("limit_per_minute", "Mails a minute", "per_minute"),
    Limit("limit_connections", "Connections at once", "connections"),
    Limit("limit_recipients", "Recipients in 24 hours", "recipients_a_day"),
)


def limit_fields(config: OutboundConfig) -> tuple[Field, ...]:
    """The inputs, each with what holds when it is left blank."""
    return tuple(_field(limit, _allowed(config, limit)) for limit in LIMITS)


def _field(limit: Limit, allowed: int | None) -> Field:
    usual = f"Blank: {allowed:,}, a little below what the mail service allows." if allowed else "Blank: no limit."
    return Field(limit.column, limit.label, usual, input="number", required=False, placeholder=str(allowed or ""))


def _allowed(config: OutboundConfig, limit: Limit) -> int | None:
    value: int | None = getattr(registry.get(config.kind).limits_of(config.settings), limit.service)
    return value


def limit_values(config: OutboundConfig) -> dict[str, str]:
    """What the setup says now."""
    return {limit.column: str(getattr(config, limit.column) or "") for limit in LIMITS}


def set_limits(session: Session, config: OutboundConfig, raw: Mapping[str, str], *, actor: Actor) -> None:
    """Saves the setup's own limits. Raises InvalidInput by field."""
    values, wrong = {}, {}
    for limit in LIMITS:
        try:
            values[limit.column] = _number(raw.get(limit.column, ""), _allowed(config, limit))
        except ValueError as error:
            wrong[limit.column] = str(error)
    if wrong:
        raise InvalidInput(wrong)
    changed = [column for column, value in values.items() if getattr(config, column) != value]
    for column, value in values.items():
        setattr(config, column, value)
    if changed:
        audit.record(
            session,
            config.workspace_id,
            actor=actor,
            action="outbound:change",
            subject=config.name,
            subject_id=config.id,
            fields=changed,
        )


def _number(text: str, allowed: int | None) -> int | None:
    text = text.strip()
    if not text:
        return None
    highest = allowed or HIGHEST
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= highest:
        raise ValueError(f"Type a whole number from 1 to {highest:,}, or leave it blank.")
    return int(text)
