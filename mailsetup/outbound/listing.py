"""What the pages show of setups."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.errors import NotFound
from mailsetup.credentials.models import Credential
from mailsetup.mail_services import credential_types, registry
from mailsetup.mail_services.base import Consent, Field
from mailsetup.outbound import health
from mailsetup.outbound.configs import list_configs
from mailsetup.outbound.models import BROKEN, UNVERIFIED, OutboundConfig
from mailsetup.outbound.waiting import count_waiting
from mailsetup.platform import current_platform


@dataclass(frozen=True)
class SetupEntry:
    """One setup with what surrounds it."""

    config: OutboundConfig
    kind_label: str
    waiting: int
    needs_test: bool

    @property
    def can_reconnect(self) -> bool:
        """Whether its credential was made by signing in, and is renewed the same way."""
        return made_by_signing_in(self.config.credential)

    @property
    def throttled(self) -> bool:
        """Whether the service asked us to wait, and the time is not over."""
        return self.config.blocked_until is not None and self.config.blocked_until > utcnow()

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The settings with their labels, the chosen ones in words."""
        fields = {field.name: field for field in _fields(self.config.kind)}
        known = [(fields[name], value) for name, value in self.config.settings.items() if name in fields]
        shown = [(field.label, _worded(field, value)) for field, value in known]
        return [(label, value) for label, value in shown if value]


def entry_of(session: Session, config: OutboundConfig) -> SetupEntry:
    """One setup with what surrounds it."""
    waiting = count_waiting(session, [config.id])[config.id]
    return SetupEntry(config, _label(config.kind), waiting, health.needs_test(session, config))


def list_entries(session: Session, workspace_id: uuid.UUID) -> list[SetupEntry]:
    """The workspace's setups, the default first."""
    configs = list_configs(session, workspace_id)
    waiting = count_waiting(session, [config.id for config in configs])
    return [
        SetupEntry(config, _label(config.kind), waiting[config.id], health.needs_test(session, config))
        for config in configs
    ]


def needing_a_person(session: Session, workspace_id: uuid.UUID) -> list[SetupEntry]:
    """Setups that are stopped, or not tested while mail waits; the stopped ones first."""
    configs = [config for config in list_configs(session, workspace_id) if config.health in {BROKEN, UNVERIFIED}]
    if not configs:
        return []
    waiting = count_waiting(session, [config.id for config in configs])
    found = [SetupEntry(config, _label(config.kind), waiting[config.id], needs_test=True) for config in configs]
    urgent = [entry for entry in found if entry.config.health == BROKEN or entry.waiting]
    return sorted(urgent, key=lambda entry: entry.config.health != BROKEN)


def made_by_signing_in(credential: Credential | None) -> bool:
    """Whether a person signed in at Microsoft to make this credential."""
    return credential is not None and credential_types.get(credential.type).consent is Consent.SIGN_IN


def _label(kind: str) -> str:
    try:
        return registry.get(kind).label
    except NotFound:
        return kind


def _fields(kind: str) -> tuple[Field, ...]:
    try:
        return registry.get(kind).form_fields(current_platform())
    except NotFound:
        return ()


def _worded(field: Field, value: object) -> str:
    if isinstance(value, bool):
        return "Yes" if value else ""
    if field.input == "textarea":
        return "Given" if value else ""
    return dict(field.choices).get(str(value), str(value))
