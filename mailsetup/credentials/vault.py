"""The only door to credentials: creates, changes and deletes them, and is the only reader of their secrets."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Unpack

from sqlalchemy import CursorResult, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import Conflict, InvalidInput
from mailsetup.core.redact import Secret
from mailsetup.credentials import checks, seals, token_cache, usage
from mailsetup.credentials.checks import Checked, Entries, check_entries
from mailsetup.credentials.models import Credential
from mailsetup.credentials.usage import Use
from mailsetup.mail_services import credential_types
from mailsetup.mail_services.base import Consent, CredentialValue
from mailsetup.workspaces import audit
from mailsetup.workspaces.audit import Actor

STALE = (
    "Somebody changed this credential while you had it open. Nothing of yours was saved. "
    "Open it again to see the new values, then make your change."
)
MADE_BY_SIGNING_IN = (
    "This type is made by signing in at Microsoft, which the set-up of outbound mail leads you through."
)


class CredentialInUse(Conflict):
    """The credential cannot go while something uses it; `uses` says what."""

    def __init__(self, credential: Credential, uses: Sequence[Use]) -> None:
        names = ", ".join(f"“{use.label}”" for use in uses)
        super().__init__(
            f"“{credential.name}” is used by {names}. Nothing was deleted. "
            "Choose another credential there first, or delete the setup."
        )
        self.uses = tuple(uses)


def create_credential(
    session: Session,
    *,
    workspace_id: uuid.UUID,
    actor: Actor,
    user_id: uuid.UUID | None,
    type: str,  # noqa: A002 - the word of the form
    **entries: Unpack[Entries],
) -> Credential:
    """Makes a credential out of a form's values. Raises InvalidInput by field, NotFound for an unknown type."""
    type_ = credential_types.get(type)
    if type_.consent is Consent.SIGN_IN:
        raise InvalidInput({"type": MADE_BY_SIGNING_IN})
    checked = check_entries(session, workspace_id, type_, entries)
    credential = Credential(
        workspace_id=workspace_id,
        name=checked.name,
        description=checked.description,
        type=type_.name,
        expires_on=checked.expires_on,
        expiry_note=checked.expiry_note,
        updated_by_id=user_id,
    )
    _insert(session, credential)
    seals.write_version(
        session, credential, public=checked.values.public, secrets=checked.values.secrets, user_id=user_id
    )
    fields = ["name", "type", *checked.values.public, *checked.values.secrets]
    record(session, credential, actor, "credential:create", fields)
    return credential


def update_credential(
    session: Session,
    credential: Credential,
    *,
    actor: Actor,
    user_id: uuid.UUID | None,
    revision: int | None = None,
    **entries: Unpack[Entries],
) -> Credential:
    """Saves an edit; other values make a new version that setups follow at once, a blank secret keeps the old one.

    `revision` is what the form was made from. Raises InvalidInput by field, Conflict when it is no longer current.
    """
    if revision not in {None, credential.revision}:
        raise Conflict(STALE)
    previous = credential_value(session, credential)
    type_ = credential_types.get(credential.type)
    checked = check_entries(session, credential.workspace_id, type_, entries, credential=credential, previous=previous)
    fields, renewed = _changed_fields(credential, checked), _changed_values(previous, checked)
    if not fields and not renewed:
        return credential
    if renewed:
        seals.forget_waiting(session, credential)
    _advance(session, credential, user_id, checked, new_version=bool(renewed))
    if renewed:
        _write_next(session, credential, checked.values.public, checked.values.secrets, user_id)
    record(session, credential, actor, "credential:change", [*fields, *renewed])
    return credential


def store_grant(
    session: Session,
    *,
    workspace_id: uuid.UUID,
    actor: Actor,
    user_id: uuid.UUID | None,
    name: str,
    public: Mapping[str, str],
    secrets: Mapping[str, Secret],
    token_cache: str,
    credential_id: uuid.UUID | None = None,
) -> Credential:
    """Keeps what a sign-in at Microsoft gave: a new credential, or a new version of `credential_id`.

    A name that is taken gets a number, as the sign-in would be lost otherwise. A renewed one keeps the name that a
    person gave it; one that is named after its account is named after the new one.
    Raises NotFound when `credential_id` is not this workspace's.
    """
    if credential_id is None:
        credential = Credential(
            workspace_id=workspace_id,
            name=_free_name(session, workspace_id, name),
            type=credential_types.MICROSOFT_GRANT.name,
            updated_by_id=user_id,
        )
        _insert(session, credential)
        seals.write_version(session, credential, public=public, secrets=secrets, user_id=user_id)
        action = "credential:create"
    else:
        credential = fetch_owned(session, Credential, workspace_id, credential_id)
        seals.forget_waiting(session, credential)
        named_after = public_facts(session, credential).get("account_username", "")
        _advance(session, credential, user_id, None, new_version=True)
        if _is_named_after(credential.name, named_after) and not _is_named_after(credential.name, name):
            credential.name = _free_name(session, workspace_id, name)
        _write_next(session, credential, public, secrets, user_id)
        action = "credential:reconnect"
    _store_tokens(session, credential, token_cache)
    record(session, credential, actor, action, [*public, *secrets, "token_cache"])
    return credential


def credential_value(session: Session, credential: Credential, version: int | None = None) -> CredentialValue:
    """The values of a version, the current one by default. Raises NotFound, UnsealError."""
    return seals.read_version(session, credential, version)


def public_facts(session: Session, credential: Credential) -> dict[str, str]:
    """What may be shown of the current version; opens nothing. Raises NotFound."""
    return dict(seals.fetch_version(session, credential).public)


def list_credentials(
    session: Session, workspace_id: uuid.UUID, types: Collection[str] | None = None
) -> list[Credential]:
    """The workspace's credentials by name, of these types only when given."""
    wanted = select(Credential).where(Credential.workspace_id == workspace_id)
    if types is not None:
        wanted = wanted.where(Credential.type.in_(types))
    return sorted(session.scalars(wanted), key=lambda credential: credential.name.casefold())


def delete_credential(session: Session, credential: Credential, *, actor: Actor) -> None:
    """Deletes it with every version and token. Raises CredentialInUse, or Conflict when a setup took it just now."""
    uses = usage.uses_of(session, credential)
    if uses:
        raise CredentialInUse(credential, uses)
    record(session, credential, actor, "credential:delete", [])
    try:
        with session.begin_nested():
            session.delete(credential)
    except IntegrityError:
        raise Conflict("A setup began to use this credential just now. Nothing was deleted.") from None


def _insert(session: Session, credential: Credential) -> None:
    try:
        with session.begin_nested():
            session.add(credential)
    except IntegrityError:
        raise InvalidInput({"name": checks.NAME_TAKEN}) from None


def _advance(
    session: Session,
    credential: Credential,
    user_id: uuid.UUID | None,
    checked: Checked | None,
    *,
    new_version: bool,
) -> None:
    """Moves the row on from the revision that was read. Raises Conflict when it has moved already."""
    entries = {} if checked is None else {name: getattr(checked, name) for name in _ENTRIES}
    current = update(Credential).where(Credential.id == credential.id, Credential.revision == credential.revision)
    values = {
        **entries,
        "revision": credential.revision + 1,
        "version": credential.version + new_version,
        "updated_at": utcnow(),
        "updated_by_id": user_id,
    }
    try:
        with session.begin_nested():
            done = session.execute(current.values(**values), execution_options={"synchronize_session": False})
    except IntegrityError:
        raise InvalidInput({"name": checks.NAME_TAKEN}) from None
    if not isinstance(done, CursorResult) or done.rowcount != 1:
        raise Conflict(STALE)
    session.refresh(credential)


def _write_next(
    session: Session,
    credential: Credential,
    public: Mapping[str, str],
    secrets: Mapping[str, Secret],
    user_id: uuid.UUID | None,
) -> None:
    seals.write_version(session, credential, public=public, secrets=secrets, user_id=user_id)
    follow(session, credential)


def follow(session: Session, credential: Credential) -> None:
    """Setups use the version that counts now; of those before, one is kept for what is under way."""
    seals.forget_old_versions(session, credential)
    usage.tell_changed(session, credential)


def move_to(session: Session, credential: Credential, *, user_id: uuid.UUID | None, expires_on: date | None) -> None:
    """The next version, which is written already, counts from now on. Raises Conflict when somebody was faster."""
    _advance(session, credential, user_id, None, new_version=True)
    credential.expires_on = expires_on
    session.flush()


def _store_tokens(session: Session, credential: Credential, blob: str) -> None:
    if blob:
        token_cache.save(session, credential.id, credential.version, blob=blob, revision=None)


_ENTRIES = ("name", "description", "expires_on", "expiry_note")


def _changed_fields(credential: Credential, checked: Checked) -> list[str]:
    return [name for name in _ENTRIES if getattr(credential, name) != getattr(checked, name)]


def _changed_values(previous: CredentialValue, checked: Checked) -> list[str]:
    before = {**previous.public, **previous.secrets}
    after = {**checked.values.public, **checked.values.secrets}
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _is_named_after(name: str, account: str) -> bool:
    """Whether the name is what a sign-in as this account is called here, perhaps with a number."""
    plain = " ".join(account.split()).casefold()
    return bool(plain) and re.fullmatch(rf"{re.escape(plain)}(?: \d+)?", name.casefold()) is not None


def _free_name(session: Session, workspace_id: uuid.UUID, wanted: str) -> str:
    base = " ".join(wanted.split())[: checks.NAME_LIMIT - 5] or credential_types.MICROSOFT_GRANT.label
    taken = {credential.name.casefold() for credential in list_credentials(session, workspace_id)}
    numbered = (base if number == 1 else f"{base} {number}" for number in range(1, len(taken) + 2))
    return next(name for name in numbered if name.casefold() not in taken)


def record(session: Session, credential: Credential, actor: Actor, action: str, fields: Sequence[str]) -> None:
    """Notes in the audit trail what was done with the credential, by the names of its fields."""
    audit.record(
        session,
        credential.workspace_id,
        actor=actor,
        action=action,
        subject=credential.name,
        subject_id=credential.id,
        fields=list(fields),
    )
