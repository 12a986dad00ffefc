"""Checks what a person entered for a credential, all fields at once."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NotRequired, TypedDict

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.errors import InvalidInput
from mailsetup.credentials.models import Credential
from mailsetup.mail_services import values
from mailsetup.mail_services.base import Consent, CredentialValue
from mailsetup.mail_services.credential_types import CredentialInput, CredentialType

NAME_LIMIT = 120
DESCRIPTION_LIMIT = 2000
NOTE_LIMIT = 400
NAME_TAKEN = "Another credential of this workspace has this name already. Choose a different one."
_CONTROLS = dict.fromkeys(range(32)) | {127: None}
_TOO_FAR = 50


class Entries(TypedDict):
    """What a credential's form holds; `raw` and `files` are the fields of its type."""

    name: str
    description: NotRequired[str]
    raw: NotRequired[Mapping[str, str]]
    files: NotRequired[Mapping[str, bytes]]
    expires_on: NotRequired[date | None]
    expiry_note: NotRequired[str]


@dataclass(frozen=True)
class Checked:
    """The entries, cleaned."""

    name: str
    description: str
    expires_on: date | None
    expiry_note: str
    values: CredentialInput


def check_entries(
    session: Session,
    workspace_id: uuid.UUID,
    type_: CredentialType,
    entries: Entries,
    *,
    credential: Credential | None = None,
    previous: CredentialValue | None = None,
) -> Checked:
    """The entries, cleaned; `credential` and `previous` are what is being edited. Raises InvalidInput by field."""
    wrong: dict[str, str] = {}
    name = _kept(wrong, "name", lambda: _name(session, workspace_id, entries["name"], credential))
    description = _kept(wrong, "description", lambda: _text(entries.get("description", ""), DESCRIPTION_LIMIT))
    note = _kept(wrong, "expiry_note", lambda: _line(entries.get("expiry_note", ""), NOTE_LIMIT))
    cleaned = CredentialInput({}, {})
    try:
        cleaned = _values(type_, entries, previous)
    except InvalidInput as error:
        wrong |= error.fields
    expires_on = entries.get("expires_on")
    kept = credential is not None and credential.expires_on == expires_on and _same_secrets(cleaned, previous)
    if not kept:
        _kept(wrong, "expires_on", lambda: _future(expires_on))
    if wrong:
        raise InvalidInput(wrong)
    return Checked(name, description, expires_on, note, cleaned)


def _kept(wrong: dict[str, str], field: str, check: Callable[[], str]) -> str:
    try:
        return check()
    except ValueError as error:
        wrong[field] = str(error)
        return ""


def _values(type_: CredentialType, entries: Entries, previous: CredentialValue | None) -> CredentialInput:
    # What a sign-in made is renewed by signing in; only what surrounds it is edited.
    if previous is not None and type_.consent is Consent.SIGN_IN:
        return CredentialInput(dict(previous.public), dict(previous.secrets))
    return type_.clean(entries.get("raw", {}), entries.get("files", {}), previous)


def _same_secrets(cleaned: CredentialInput, previous: CredentialValue | None) -> bool:
    return previous is not None and (not cleaned.secrets or cleaned.secrets == dict(previous.secrets))


def _name(session: Session, workspace_id: uuid.UUID, raw: str, credential: Credential | None) -> str:
    name = _line(raw, NAME_LIMIT)
    if not name:
        raise ValueError("Give it a name that you will recognise, like “Contoso mail app”.")
    if name_taken(session, workspace_id, name, except_id=credential.id if credential else None):
        raise ValueError(NAME_TAKEN)
    return name


def name_taken(session: Session, workspace_id: uuid.UUID, name: str, *, except_id: uuid.UUID | None = None) -> bool:
    """Whether a credential of this workspace has the name, in upper or lower case."""
    wanted = select(Credential.id).where(
        Credential.workspace_id == workspace_id, func.lower(Credential.name) == func.lower(name)
    )
    return any(found != except_id for found in session.scalars(wanted))


def _line(raw: str, limit: int) -> str:
    return values.one_line(_text(raw, limit))


def _text(raw: str, limit: int) -> str:
    text = raw.strip()
    if len(text) > limit:
        raise ValueError(f"This is too long: at most {limit} characters.")
    if any(character in text for character in map(chr, _CONTROLS) if character not in "\n\r\t"):
        raise ValueError(values.LINE_BREAKS)
    return text


def check_day(day: date | None) -> None:
    """Raises InvalidInput at `expires_on` for a day that cannot be a last one."""
    try:
        _future(day)
    except ValueError as error:
        raise InvalidInput({"expires_on": str(error)}) from None


def _future(day: date | None) -> str:
    today = utcnow().date()
    if day is not None and day < today:
        raise ValueError("This date has passed. Type the last day on which the secret works, or leave it blank.")
    if day is not None and day.year > today.year + _TOO_FAR:
        raise ValueError("This date is too far ahead. Check the year.")
    return ""
