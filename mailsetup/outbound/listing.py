"""What the pages show of setups."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mailsetup.core.errors import NotFound
from mailsetup.credentials.models import Credential
from mailsetup.mail_services import credential_types, registry
from mailsetup.mail_services.base import Consent, Field, WayOut
from mailsetup.mail_services.limits import Limits
from mailsetup.outbound import health
from mailsetup.outbound.daily_limit import DayUse, day_use
from mailsetup.outbound.mailboxes import Pause, lanes_now, limits_of, pause_of
from mailsetup.outbound.models import BROKEN, UNVERIFIED, OutboundConfig
from mailsetup.outbound.waiting import count_waiting
from mailsetup.platform import current_platform

PAGE = 50


@dataclass(frozen=True)
class SetupEntry:
    """One setup with what surrounds it."""

    config: OutboundConfig
    kind_label: str
    waiting: int
    needs_test: bool
    pause: Pause | None = None
    day: DayUse | None = None
    lanes: int | None = None  # fewer connections than usual, as the service wants it for a while

    @property
    def can_reconnect(self) -> bool:
        """Whether its credential was made by signing in, and is renewed the same way."""
        return made_by_signing_in(self.config.credential)

    @property
    def limits(self) -> Limits:
        """What its mailbox may send, lowered by the setup's own limits."""
        try:
            return limits_of(self.config)
        except NotFound:
            return Limits()

    @property
    def way_out(self) -> WayOut | None:
        """Where to move to from a way of sending that ends or is switched off."""
        return way_out(self.config)

    @property
    def came_from(self) -> str:
        """The kind it was moved from, in words; empty for a setup that was never moved."""
        return _label(str(self.config.moved_from["kind"])) if self.config.moved_from else ""

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
    entry = SetupEntry(config, _label(config.kind), waiting, health.needs_test(session, config))
    return replace(
        entry, pause=pause_of(session, config), lanes=lanes_now(session, config), day=day_use(session, config)
    )


@dataclass(frozen=True)
class SetupPage:
    """Some setups, and the cursor of those after them; none on the last page."""

    entries: list[SetupEntry]
    next_cursor: str | None


def find_entries(
    session: Session, workspace_id: uuid.UUID, *, text: str = "", state: str = "", cursor: str = ""
) -> SetupPage:
    """A page of the workspace's setups, the default first, then by name; `text` is part of a name or an address."""
    wanted = select(OutboundConfig).where(OutboundConfig.workspace_id == workspace_id)
    if text:
        held = (
            column.icontains(text, autoescape=True) for column in (OutboundConfig.name, OutboundConfig.from_address)
        )
        wanted = wanted.where(or_(*held))
    if state:
        wanted = wanted.where(OutboundConfig.health == state)
    if cursor:
        wanted = wanted.where(OutboundConfig.is_default.is_(False), OutboundConfig.name > cursor)
    ordered = wanted.order_by(OutboundConfig.is_default.desc(), OutboundConfig.name)
    configs = list(session.scalars(ordered.limit(PAGE + 1)))
    shown = configs[:PAGE]
    waiting = count_waiting(session, [config.id for config in shown])
    entries = [
        SetupEntry(config, _label(config.kind), waiting[config.id], health.needs_test(session, config))
        for config in shown
    ]
    return SetupPage(entries, shown[-1].name if len(configs) > PAGE else None)


def needing_a_person(session: Session, workspace_id: uuid.UUID) -> list[SetupEntry]:
    """Setups that are stopped, or not tested while mail waits; the stopped ones first."""
    wanted = select(OutboundConfig).where(
        OutboundConfig.workspace_id == workspace_id, OutboundConfig.health.in_((BROKEN, UNVERIFIED))
    )
    configs = list(session.scalars(wanted.order_by(OutboundConfig.is_default.desc(), OutboundConfig.name)))
    if not configs:
        return []
    waiting = count_waiting(session, [config.id for config in configs])
    found = [SetupEntry(config, _label(config.kind), waiting[config.id], needs_test=True) for config in configs]
    urgent = [entry for entry in found if entry.config.health == BROKEN or entry.waiting]
    return sorted(urgent, key=lambda entry: entry.config.health != BROKEN)


def made_by_signing_in(credential: Credential | None) -> bool:
    """Whether a person signed in at Microsoft to make this credential."""
    return credential is not None and credential_types.get(credential.type).consent is Consent.SIGN_IN


def way_out(config: OutboundConfig) -> WayOut | None:
    """Where to move to from the setup's kind, if that ends."""
    try:
        service = registry.get(config.kind)
    except NotFound:
        return None
    type_ = config.credential.type if config.credential else ""
    return service.way_out(config.settings, type_, config.health_cause)


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
