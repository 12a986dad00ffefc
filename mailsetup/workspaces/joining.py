"""Making an account without telling anybody which addresses have one.

Where sign-up is confirmed by mail, the answer is always the same: look in your inbox. Where it is direct (on a
developer's machine, or by the operator's choice), a new address goes straight in.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict

from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.workspaces import letters
from mailsetup.workspaces.invitations import accept
from mailsetup.workspaces.members import create_workspace
from mailsetup.workspaces.models import Invitation, Letter, User
from mailsetup.workspaces.names import clean_name
from mailsetup.workspaces.sign_in import (
    AddressTaken,
    NewPerson,
    actor_of,
    add_user,
    check_all,
    check_person,
    find_user,
    person_checks,
)


def ask_to_join(
    session: Session, *, email: str, name: str, password: str, workspace_name: str, timezone: str = ""
) -> User | None:
    """The new person with a workspace of their own; None when a letter tells what comes next. Raises InvalidInput."""
    named = check_all({
        **person_checks(email=email, name=name, password=password),
        "workspace_name": lambda: clean_name(workspace_name, field="workspace_name"),
    })["workspace_name"]  # fmt: skip
    person = check_person(email=email, name=name, password=password, timezone=timezone)
    if settings.current().confirm_sign_up:
        _write(session, person, workspace_name=named)
        return None
    try:
        user = add_user(session, person)
    except AddressTaken:
        _write_known(session, person.email)
        return None
    create_workspace(session, name=named, owner=user, actor=actor_of(user))
    return user


def ask_to_join_by(
    session: Session, invitation: Invitation, *, email: str, name: str, password: str, timezone: str = ""
) -> None:
    """Writes a letter to who was shown an invitation, since that does not prove an address. Raises InvalidInput."""
    person = check_person(email=email, name=name, password=password, timezone=timezone)
    _write(session, person, workspace_name=invitation.workspace.name, invitation_id=invitation.id)


def _write(session: Session, person: NewPerson, *, workspace_name: str, invitation_id: uuid.UUID | None = None) -> None:
    if find_user(session, person.email) is not None:
        _write_known(session, person.email)
        return
    kept = {**asdict(person), "workspace_name": workspace_name}
    letters.write(session, letters.SIGN_UP, person.email, invitation_id=invitation_id, detail=kept)


def _write_known(session: Session, email: str) -> None:
    user = find_user(session, email)
    letters.write(session, letters.SIGN_UP_KNOWN, email, user_id=user.id if user else None)


def confirm(session: Session, letter: Letter) -> User:
    """The new person behind a letter's link, in their workspace. Raises NotFound when it cannot be used any more."""
    letters.use(session, letter)
    kept = dict(letter.detail)
    workspace_name = str(kept.pop("workspace_name"))
    try:
        user = add_user(session, NewPerson(**kept))
    except InvalidInput as error:
        raise NotFound(letters.UNUSABLE) from error
    invitation = session.get(Invitation, letter.invitation_id) if letter.invitation_id else None
    if invitation is not None:
        accept(session, invitation, user)
    else:
        create_workspace(session, name=workspace_name, owner=user, actor=actor_of(user))
    letter.detail = {}
    return user
