"""How a bundle begins: which of its setups it can serve, their due mail under one lease, their services, their mails.

This crosses the walls between workspaces on purpose, and so does the record of what was accepted; see `bundle`.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.mail_services.base import Mail, MailService
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound import binding
from mailsetup.outbound.connect import connect_config
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import allowance, bodies, claim, prepare
from mailsetup.outbox.claim import Claimed
from mailsetup.outbox.deliver import fitting
from mailsetup.outbox.ready import Ready
from mailsetup.workspaces import sealing


@dataclass(frozen=True)
class Taken:
    """What was claimed; whose mail needs a lane of its own, and who has none that could be taken now."""

    mails: list[Claimed]
    alone: set[uuid.UUID]
    put_off: set[uuid.UUID]


@dataclass
class Part:
    """One setup's mails in a bundle, on the wire as far as the database knows."""

    workspace_id: uuid.UUID
    config_id: uuid.UUID
    host_key: str
    service: MailService
    mails: deque[tuple[Claimed, Mail]] = field(default_factory=deque)

    def keep(self, ours: AbstractSet[uuid.UUID]) -> None:
        """Forgets mails whose lease is no longer ours."""
        self.mails = deque((message, mail) for message, mail in self.mails if message.id in ours)


@dataclass(frozen=True)
class Started:
    """What can be sent, and whose mail was given back for a lane of its own."""

    parts: list[Part]
    alone: set[uuid.UUID]


def claimed(session: Session, setups: Sequence[Ready], token: str, now: datetime) -> Taken:
    """The due mail of those setups that share nothing with others."""
    asked = {setup.config_id for setup in setups}
    simple = allowance.unshared(session, asked, now)
    mails = claim.claim_many(session, simple, now, token) if simple else []
    none = simple - {message.config_id for message in mails}
    suspect = claim.suspects(session, none, now) if none else set()
    return Taken(mails, (asked - simple) | suspect, none - suspect)


def begun(session: Session, mails: Sequence[Claimed], now: datetime) -> Started:
    """Marks the mails as on the wire and opens them; gives back what is too much, or needs a lane of its own."""
    owners = _owners(session, {message.config_id for message in mails})
    services = _services(session, owners.values())
    group = fitting(message for message in mails if message.config_id in services)
    chosen = {message.id for message in group}
    claim.release(session, [message for message in mails if message.id not in chosen], now)
    parts: dict[uuid.UUID, Part] = {}
    for message, mail in _mails(session, group, owners, now):
        config = owners[message.config_id]
        part = Part(config.workspace_id, config.id, config.host_key, services[config.id])
        parts.setdefault(config.id, part).mails.append((message, mail))
    return Started(list(parts.values()), {one.config_id for one in mails} - set(services))


def _owners(session: Session, config_ids: AbstractSet[uuid.UUID]) -> dict[uuid.UUID, OutboundConfig]:
    found = session.scalars(select(OutboundConfig).where(OutboundConfig.id.in_(config_ids)))
    return {config.id: config for config in found}


def _services(session: Session, owners: Collection[OutboundConfig]) -> dict[uuid.UUID, MailService]:
    """What talks to each setup's server, but for those that cannot be built, or look up what they named before."""
    sealing.learn_keys(session, {config.workspace_id for config in owners})
    binding.learn_targets(session, [config.credential for config in owners if config.credential is not None])
    services = {}
    for config in owners:
        try:
            service = connect_config(session, config)
        except TransportError:
            continue
        if not service.looks_up:
            services[config.id] = service
    return services


def _owner(config: OutboundConfig, _session: Session) -> OutboundConfig:
    return config


def _mails(
    session: Session, group: Sequence[Claimed], owners: Mapping[uuid.UUID, OutboundConfig], now: datetime
) -> Iterator[tuple[Claimed, Mail]]:
    begun = claim.begin_sending(session, group, now)
    sealed = bodies.sealed_of(session, [message.id for message in begun])
    for message in begun:
        known = sealed.get(message.id)
        mail = prepare.prepared(session, message, known, now, config=partial(_owner, owners[message.config_id]))
        if mail is not None:
            yield message, mail
