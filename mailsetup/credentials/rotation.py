"""A second secret or certificate beside the one in use: added, tested, promoted; the old one is kept until ended."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.errors import Conflict, InvalidInput, NotFound
from mailsetup.credentials import checks, seals, vault
from mailsetup.credentials.models import Credential, CredentialToken, CredentialVersion
from mailsetup.mail_services import credential_types
from mailsetup.mail_services.base import CredentialValue
from mailsetup.workspaces.audit import Actor

PROOFS = ("make_certificate", "client_secret", "certificate", "passphrase")
NOT_TESTED = "The new one has not passed a test yet, so the old one goes on. Test it first."
SAME = "This is the one that is in use already. Paste the new one's Value."


def can_rotate(credential: Credential) -> bool:
    """Whether its service takes two secrets at a time, as Microsoft does for an app."""
    return credential.type == credential_types.MICROSOFT_APP.name


def waiting(session: Session, credential: Credential) -> CredentialVersion | None:
    """The version that was added and does not count yet."""
    return _version(session, credential, credential.version + 1)


def before(session: Session, credential: Credential) -> CredentialVersion | None:
    """The version that counted before, while it is kept."""
    return _version(session, credential, credential.version - 1)


def _version(session: Session, credential: Credential, number: int) -> CredentialVersion | None:
    wanted = select(CredentialVersion).where(
        CredentialVersion.credential_id == credential.id, CredentialVersion.version == number
    )
    return session.scalar(wanted)


def add(
    session: Session,
    credential: Credential,
    *,
    actor: Actor,
    raw: Mapping[str, str],
    files: Mapping[str, bytes],
    expires_on: date | None,
) -> CredentialVersion:
    """Adds a secret or certificate for the same app; one that was added before is replaced. Raises InvalidInput."""
    if not can_rotate(credential):
        raise Conflict("This type of credential has one secret at a time. Change it under Edit.")
    current = vault.credential_value(session, credential)
    cleaned = credential_types.get(credential.type).clean({**current.public, **_proofs(raw)}, files, None)
    if any(current.secrets.get(name) == secret for name, secret in cleaned.secrets.items()):
        raise InvalidInput({"client_secret": SAME})
    checks.check_day(expires_on)
    row = _write_waiting(session, credential, cleaned, actor=actor, expires_on=expires_on)
    vault.record(session, credential, actor, "credential:add_secret", sorted(cleaned.secrets))
    return row


def _write_waiting(
    session: Session,
    credential: Credential,
    value: credential_types.CredentialInput | CredentialValue,
    *,
    actor: Actor,
    expires_on: date | None,
) -> CredentialVersion:
    """The version that waits, in the place of one that waited before."""
    discard(session, credential)
    row = seals.write_version(
        session,
        credential,
        public=value.public,
        secrets=value.secrets,
        user_id=actor.user_id,
        number=credential.version + 1,
    )
    row.expires_on = expires_on
    return row


def _proofs(raw: Mapping[str, str]) -> dict[str, str]:
    """What proves the app, and nothing that says which app it is: that stays."""
    return {name: raw[name] for name in PROOFS if name in raw}


def waiting_value(session: Session, credential: Credential) -> CredentialValue:
    """The values of the version that waits. Raises NotFound, UnsealError."""
    return vault.credential_value(session, credential, credential.version + 1)


def passed(session: Session, credential_id: uuid.UUID, row_id: uuid.UUID) -> None:
    """Microsoft took the version that waits. Raises NotFound when it is gone or was replaced meanwhile."""
    row = session.get(CredentialVersion, row_id)
    if row is None or row.credential_id != credential_id:
        raise NotFound("the version that was tested is gone")
    row.tested_at = utcnow()


def promote(session: Session, credential: Credential, *, actor: Actor) -> None:
    """Setups follow the new version from now on; the old one is kept. Raises Conflict unless it passed a test."""
    row = waiting(session, credential)
    if row is None or row.tested_at is None:
        raise Conflict(NOT_TESTED)
    old = seals.fetch_version(session, credential)
    old.expires_on = credential.expires_on
    vault.move_to(session, credential, user_id=actor.user_id, expires_on=row.expires_on)
    vault.follow(session, credential)
    vault.record(session, credential, actor, "credential:promote", row.secret_names)


def go_back(session: Session, credential: Credential, *, actor: Actor) -> None:
    """The old one counts again, as the version that waits to be promoted: it is tested like any other."""
    old = before(session, credential)
    if old is None:
        raise Conflict("The old one was ended, so there is none to go back to.")
    value = vault.credential_value(session, credential, old.version)
    row = _write_waiting(session, credential, value, actor=actor, expires_on=old.expires_on)
    vault.record(session, credential, actor, "credential:go_back", row.secret_names)


def end_old(session: Session, credential: Credential, *, actor: Actor) -> None:
    """Forgets the old one for good. Raises Conflict when there is none."""
    if before(session, credential) is None:
        raise Conflict("The old one was ended already.")
    for table in (CredentialVersion, CredentialToken):
        older = delete(table).where(table.credential_id == credential.id, table.version < credential.version)
        session.execute(older)
    vault.record(session, credential, actor, "credential:end_old", [])


def discard(session: Session, credential: Credential) -> None:
    """Drops what waits, if anything does."""
    seals.forget_waiting(session, credential)
