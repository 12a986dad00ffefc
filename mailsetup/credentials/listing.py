"""What the pages show of credentials: facts, expiry and use, with nothing unsealed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from mailsetup.credentials import rights
from mailsetup.credentials.expiry import OK, Expiry, expiry
from mailsetup.credentials.models import Credential, CredentialVersion
from mailsetup.credentials.seals import fetch_version
from mailsetup.credentials.usage import Use, uses_by_credential
from mailsetup.mail_services import credential_types
from mailsetup.mail_services.base import Consent
from mailsetup.mail_services.credential_types import MADE_HERE, CredentialType

SORTS = ("name", "type", "expiry")
FACT_LABELS = {
    "username": "User name",
    "app": "Signed in through",
    "cloud": "Microsoft cloud",
    "tenant_id": "Directory (tenant) ID",
    "client_id": "Application (client) ID",
    "account_username": "Account",
    "account_addresses": "Its addresses",
    "account_tid": "Account's directory ID",
    "account_scopes": "Allowed",
    "thumbprint": "Certificate thumbprint",
    "certificate_subject": "Certificate subject",
}


@dataclass(frozen=True)
class Listed:
    """One credential with what surrounds it."""

    credential: Credential
    type: CredentialType
    version: CredentialVersion
    expiry: Expiry
    uses: tuple[Use, ...]

    @property
    def signed_in(self) -> bool:
        """Whether it was made by signing in, and is renewed the same way."""
        return self.type.consent is Consent.SIGN_IN

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What may be shown of it, with labels; choices in their own words."""
        choices = {shown.name: dict(shown.choices) for shown in self.type.fields if shown.choices}
        public = self.version.public
        known = [(name, str(public[name])) for name in FACT_LABELS if public.get(name)]
        return [(FACT_LABELS[name], choices.get(name, {}).get(value, value)) for name, value in known]

    @property
    def made_here(self) -> bool:
        """Whether it is a certificate made here, whose public part has to be uploaded at Microsoft."""
        return bool(self.version.public.get("certificate_made") == MADE_HERE)

    @property
    def proof(self) -> str:
        """What it signs in with: password, client secret, certificate, or a sign-in."""
        labels = {"private_key": "Certificate", "client_secret": "Client secret", "password": "Password"}
        found = [label for name, label in labels.items() if name in self.version.secret_names]
        return found[0] if found else "Sign-in"


def listed(session: Session, credential: Credential) -> Listed:
    """One credential with what surrounds it."""
    uses = uses_by_credential(session, credential.workspace_id).get(credential.id, [])
    return _listed(credential, fetch_version(session, credential), uses)


def list_usable(session: Session, workspace_id: uuid.UUID, user_id: uuid.UUID) -> list[Listed]:
    """The credentials that this person may have a setup use."""
    allowed = set(session.scalars(select(Credential.id).where(rights.usable(session, workspace_id, user_id))))
    return [entry for entry in list_all(session, workspace_id) if entry.credential.id in allowed]


def list_all(session: Session, workspace_id: uuid.UUID, *, sort: str = "name") -> list[Listed]:
    """The workspace's credentials; `sort` is a name of SORTS, with a minus for the other way round."""
    current = and_(CredentialVersion.credential_id == Credential.id, CredentialVersion.version == Credential.version)
    rows = session.execute(
        select(Credential, CredentialVersion)
        .join(CredentialVersion, current)
        .where(Credential.workspace_id == workspace_id)
    )
    uses = uses_by_credential(session, workspace_id)
    found = [_listed(credential, version, uses.get(credential.id, [])) for credential, version in rows.unique()]
    found.sort(key=lambda entry: entry.credential.name.casefold())
    return sorted(found, key=_ORDERS.get(sort.lstrip("-"), _by_name), reverse=sort.startswith("-"))


def _listed(credential: Credential, version: CredentialVersion, uses: list[Use]) -> Listed:
    return Listed(
        credential, credential_types.get(credential.type), version, expiry(credential, version.public), tuple(uses)
    )


def needing_renewal(session: Session, workspace_id: uuid.UUID) -> list[Listed]:
    """What is in use and has expired or soon will, the most urgent first."""
    return [
        entry for entry in list_all(session, workspace_id, sort="expiry") if entry.uses and entry.expiry.state != OK
    ]


def _by_name(entry: Listed) -> str:
    return entry.credential.name.casefold()


def _by_type(entry: Listed) -> str:
    return entry.type.label.casefold()


def _by_expiry(entry: Listed) -> date:
    return entry.expiry.day or date.max


_ORDERS: dict[str, Callable[[Listed], Any]] = {"name": _by_name, "type": _by_type, "expiry": _by_expiry}
