"""Every last day that mail depends on: secrets, certificates, passwords, and sign-ins that nobody uses."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.credentials.expiry import expiry
from mailsetup.credentials.models import Credential, CredentialToken, CredentialVersion
from mailsetup.credentials.usage import Use, uses_by_credential
from mailsetup.mail_services.credential_types import MICROSOFT_APP, MICROSOFT_GRANT

# learn.microsoft.com, "Refresh tokens in the Microsoft identity platform": each use begins 90 new days.
IDLE_LIMIT = timedelta(days=90)
SECRET, CERTIFICATE, IDLE = "secret", "certificate", "idle"
_NOUNS = {MICROSOFT_APP.name: "Client secret", MICROSOFT_GRANT.name: "Secret of the app"}


@dataclass(frozen=True)
class Deadline:
    """One last day of one credential; `kind` says of what, and on that day it still works."""

    credential_id: uuid.UUID
    workspace_id: uuid.UUID
    credential_type: str
    label: str
    kind: str
    what: str
    day: date
    uses: tuple[Use, ...] = ()

    @property
    def subject(self) -> str:
        """Under which key alerts about it are kept."""
        return f"credential:{self.credential_id}"

    @property
    def path(self) -> str:
        """The page of the credential."""
        return f"/credentials/{self.credential_id}"

    @property
    def moves(self) -> bool:
        """Whether using it moves the day."""
        return self.kind == IDLE

    def days_left(self, today: date) -> int:
        """Whole days until its last day; below zero when that has passed."""
        return (self.day - today).days


def deadlines(session: Session, workspace_id: uuid.UUID) -> list[Deadline]:
    """The workspace's last days, the first to come first."""
    uses = uses_by_credential(session, workspace_id)
    return _sorted(_found(session, workspace_id, uses))


def undated(session: Session, workspace_id: uuid.UUID) -> list[Credential]:
    """The workspace's apps whose secret ends on a day that nobody gave: Microsoft does not tell it, so none is told."""
    current = and_(CredentialVersion.credential_id == Credential.id, CredentialVersion.version == Credential.version)
    wanted = select(Credential, CredentialVersion.public).join(CredentialVersion, current)
    found = session.execute(wanted.where(Credential.workspace_id == workspace_id, Credential.type.in_(_NOUNS)))
    without = [one for one, public in found if public.get("client_id") and expiry(one, public).day is None]
    return sorted(without, key=lambda one: one.name.casefold())


def deadlines_within(session: Session, days: int) -> list[Deadline]:
    """Of every workspace, what is used and ends within so many days."""
    horizon = utcnow().date() + timedelta(days=days)
    near = [found for found in _found(session, None, {}) if found.day <= horizon]
    uses = {found: uses_by_credential(session, found) for found in {one.workspace_id for one in near}}
    used = [(one, uses[one.workspace_id].get(one.credential_id, [])) for one in near]
    return _sorted(_with_uses(one, by) for one, by in used if by)


def _sorted(found: Iterable[Deadline]) -> list[Deadline]:
    return sorted(found, key=lambda one: (one.day, one.label.casefold(), one.kind))


def _with_uses(found: Deadline, uses: Iterable[Use]) -> Deadline:
    return Deadline(**{**vars(found), "uses": tuple(uses)})


def _found(session: Session, workspace_id: uuid.UUID | None, uses: Mapping[uuid.UUID, list[Use]]) -> Iterable[Deadline]:
    current = and_(CredentialVersion.credential_id == Credential.id, CredentialVersion.version == Credential.version)
    token = and_(CredentialToken.credential_id == Credential.id, CredentialToken.version == Credential.version)
    wanted = (
        select(Credential, CredentialVersion.public, CredentialToken.refreshed_at)
        .join(CredentialVersion, current)
        .outerjoin(CredentialToken, token)
    )
    if workspace_id is not None:
        wanted = wanted.where(Credential.workspace_id == workspace_id)
    for credential, public, refreshed_at in session.execute(wanted):
        used = tuple(uses.get(credential.id, ()))
        end = expiry(credential, public)
        if end.day is not None:
            noun = "Certificate" if end.by_certificate else _NOUNS.get(credential.type, "Password")
            kind = CERTIFICATE if end.by_certificate else SECRET
            yield _deadline(credential, kind, noun, end.day, used)
        if credential.type == MICROSOFT_GRANT.name and refreshed_at is not None:
            yield _deadline(credential, IDLE, "Sign-in", (refreshed_at + IDLE_LIMIT).date(), used)


def _deadline(credential: Credential, kind: str, what: str, day: date, uses: tuple[Use, ...]) -> Deadline:
    return Deadline(
        credential_id=credential.id,
        workspace_id=credential.workspace_id,
        credential_type=credential.type,
        label=credential.name,
        kind=kind,
        what=what,
        day=day,
        uses=uses,
    )
