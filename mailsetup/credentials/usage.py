"""What uses a credential, and who wants to hear that it changed; later features register themselves."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from mailsetup.credentials.models import Credential


@dataclass(frozen=True)
class Use:
    """One thing that uses a credential: its name, and the path of its page."""

    label: str
    endpoint_path: str


Finder = Callable[[Session, uuid.UUID], Mapping[uuid.UUID, list[Use]]]
"""Takes session and workspace id; gives the uses by credential id."""

_finders: list[Finder] = []

changed: list[Callable[[Session, Credential], None]] = []
"""Called in the transaction that gave a credential a new version."""


def register(finder: Finder) -> Finder:
    """Adds a source of uses; registering it again changes nothing."""
    if finder not in _finders:
        _finders.append(finder)
    return finder


def uses_by_credential(session: Session, workspace_id: uuid.UUID) -> dict[uuid.UUID, list[Use]]:
    """Everything that uses a credential of this workspace, by credential id."""
    found: dict[uuid.UUID, list[Use]] = {}
    for finder in _finders:
        for credential_id, uses in finder(session, workspace_id).items():
            found.setdefault(credential_id, []).extend(uses)
    return found


def uses_of(session: Session, credential: Credential) -> list[Use]:
    """Everything that uses this credential."""
    return uses_by_credential(session, credential.workspace_id).get(credential.id, [])


def tell_changed(session: Session, credential: Credential) -> None:
    """Lets everyone who follows the credential react to its new version."""
    for hear in changed:
        hear(session, credential)
