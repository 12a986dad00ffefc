"""Versions of a credential as they lie in the database: public facts in clear, secrets sealed to their row."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mailsetup.core.crypto import Place
from mailsetup.core.errors import NotFound
from mailsetup.core.ids import new_id
from mailsetup.core.redact import Secret
from mailsetup.credentials.models import Credential, CredentialToken, CredentialVersion
from mailsetup.mail_services.base import CredentialValue
from mailsetup.workspaces.sealing import register, seal, unseal


def write_version(
    session: Session,
    credential: Credential,
    *,
    public: Mapping[str, str],
    secrets: Mapping[str, Secret],
    user_id: uuid.UUID | None,
    number: int | None = None,
) -> CredentialVersion:
    """Seals the values as the credential's current version, or as the version of this number."""
    row_id, number = new_id(), number or credential.version
    revealed = json.dumps({name: secret.reveal() for name, secret in secrets.items()})
    version = CredentialVersion(
        id=row_id,
        workspace_id=credential.workspace_id,
        credential_id=credential.id,
        version=number,
        public=dict(public),
        secret_names=sorted(name for name, secret in secrets.items() if secret),
        sealed=seal(session, _place(credential, row_id, number), revealed),
        created_by_id=user_id,
    )
    session.add(version)
    session.flush()
    return version


def read_version(session: Session, credential: Credential, version: int | None = None) -> CredentialValue:
    """The values of a version, the current one by default. Raises NotFound, UnsealError."""
    row = fetch_version(session, credential, version)
    opened = json.loads(unseal(session, _place(credential, row.id, row.version), row.sealed))
    return CredentialValue(
        type=credential.type,
        public=dict(row.public),
        secrets={name: Secret(value) for name, value in opened.items()},
        version_key=f"{credential.id}:{row.version}",
    )


def fetch_version(session: Session, credential: Credential, version: int | None = None) -> CredentialVersion:
    """The row of a version, the current one by default. Raises NotFound."""
    row = session.scalar(
        select(CredentialVersion).where(
            CredentialVersion.credential_id == credential.id,
            CredentialVersion.workspace_id == credential.workspace_id,
            CredentialVersion.version == (version or credential.version),
        )
    )
    if row is None:
        raise NotFound("no such version of this credential")
    return row


def forget_old_versions(session: Session, credential: Credential) -> None:
    """Drops what nothing can use any more; the version before stays for what is under way with it."""
    for table in (CredentialVersion, CredentialToken):
        session.execute(
            delete(table).where(table.credential_id == credential.id, table.version < credential.version - 1)
        )


def forget_waiting(session: Session, credential: Credential) -> None:
    """Drops the version that was added and never promoted, and its tokens."""
    for table in (CredentialVersion, CredentialToken):
        session.execute(delete(table).where(table.credential_id == credential.id, table.version > credential.version))


def _place(credential: Credential, row_id: uuid.UUID, version: int) -> Place:
    return Place(
        workspace_id=str(credential.workspace_id),
        table=CredentialVersion.__tablename__,
        row_id=str(row_id),
        field="secrets",
        version=version,
    )


def _place_of(row: CredentialVersion) -> Place:
    return Place(str(row.workspace_id), CredentialVersion.__tablename__, str(row.id), "secrets", row.version)


register(CredentialVersion.sealed, _place_of)
