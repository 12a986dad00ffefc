"""Whether Microsoft takes a secret or certificate that waits to be promoted: for everything that will use it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.credentials import rotation
from mailsetup.credentials.models import Credential
from mailsetup.mail_services import registry
from mailsetup.mail_services.base import CredentialValue, FreshTokens, MailService
from mailsetup.mail_services.timeouts import TEST_TIMEOUTS
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbound.renewal import kind_for
from mailsetup.platform import current_platform


@dataclass(frozen=True)
class Trial:
    """What is to be tried, gathered while the database was open."""

    row_id: uuid.UUID
    value: CredentialValue
    services: tuple[tuple[str, Mapping[str, Any]], ...]


def prepare(session: Session, credential: Credential) -> Trial | None:
    """The version that waits, and one setup of each kind that uses the credential; None when nothing waits."""
    row = rotation.waiting(session, credential)
    if row is None:
        return None
    wanted = select(OutboundConfig.kind, OutboundConfig.settings).where(OutboundConfig.credential_id == credential.id)
    used: dict[str, Mapping[str, Any]] = {one.kind: one.settings for one in session.execute(wanted)}
    services = tuple(used.items()) or ((kind_for(credential.type), {}),)
    return Trial(row.id, rotation.waiting_value(session, credential), services)


def sign_in(trial: Trial) -> None:
    """Gets a token for each kind, with no transaction open. Raises TransportError."""
    for kind, settings in trial.services:
        service = service_for(kind, settings, trial.value)
        service.tokens.token_for(service)


def service_for(kind: str, settings: Mapping[str, Any], value: CredentialValue) -> MailService:
    """A service that asks Microsoft afresh, with nothing kept."""
    platform = replace(current_platform(), timeouts=TEST_TIMEOUTS)
    return registry.get(kind)(settings, credential=value, platform=platform, tokens=FreshTokens())
