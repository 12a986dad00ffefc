"""Who may use a credential in a setup: a right of its own, beside the right to change it, which admins have.

Owners and admins may use every credential. A credential may be opened to every member, or to some by name: they build
setups with it, and can neither see its secret, nor change it, nor have it sent to another place.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, false, or_, select
from sqlalchemy.orm import Session

from mailsetup.core.errors import InvalidInput
from mailsetup.credentials.models import Credential, CredentialUser
from mailsetup.workspaces import access, audit
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.members import list_members
from mailsetup.workspaces.models import MEMBER, Member

ADMINS, MEMBERS, NAMED = "admins", "members", "named"
WORDS = {
    ADMINS: "Owners and admins only",
    MEMBERS: "Everybody in the workspace",
    NAMED: "Owners, admins, and these members",
}


def is_restricted(session: Session, workspace_id: uuid.UUID, user_id: uuid.UUID | None) -> bool:
    """Whether the person may use only what is open to them; programs, which are nobody, are held by their scopes."""
    if user_id is None:
        return False
    member = _place(session, workspace_id, user_id)
    return member is None or member.role == MEMBER


def usable(session: Session, workspace_id: uuid.UUID, user_id: uuid.UUID | None) -> ColumnElement[bool]:
    """Which of the workspace's credentials the person may use, as a condition."""
    here = Credential.workspace_id == workspace_id
    if not is_restricted(session, workspace_id, user_id):
        return here
    member = _place(session, workspace_id, user_id) if user_id else None
    if member is None:
        return false()
    named = select(CredentialUser.credential_id).where(CredentialUser.member_id == member.id)
    return here & or_(Credential.open_to == MEMBERS, (Credential.open_to == NAMED) & Credential.id.in_(named))


def _place(session: Session, workspace_id: uuid.UUID, user_id: uuid.UUID) -> Member | None:
    place = select(Member).where(Member.workspace_id == workspace_id, Member.user_id == user_id)
    return session.scalars(place).unique().one_or_none()


def may_use(session: Session, credential: Credential, user_id: uuid.UUID | None) -> bool:
    """Whether this person may have a setup use the credential."""
    allowed = usable(session, credential.workspace_id, user_id)
    return session.scalar(select(Credential.id).where(Credential.id == credential.id, allowed)) is not None


def may_use_any(session: Session, member: Member) -> bool:
    """Whether there is something that this member could build a setup with."""
    allowed = usable(session, member.workspace_id, member.user_id)
    return session.scalar(select(Credential.id).where(allowed).limit(1)) is not None


access.builders.append(may_use_any)


def candidates(session: Session, workspace_id: uuid.UUID) -> list[Member]:
    """The members who need the right; owners and admins have it."""
    return [member for member in list_members(session, workspace_id) if member.role == MEMBER]


def named_users(session: Session, credential: Credential) -> list[Member]:
    """The members to whom it is open by name."""
    wanted = select(CredentialUser.member_id).where(CredentialUser.credential_id == credential.id)
    chosen = set(session.scalars(wanted))
    return [member for member in candidates(session, credential.workspace_id) if member.id in chosen]


def set_users(session: Session, credential: Credential, open_to: str, chosen: Sequence[str], *, actor: Actor) -> None:
    """Says who may use it; `chosen` are ids of members, where it is open by name. Raises InvalidInput."""
    people = [member for member in candidates(session, credential.workspace_id) if str(member.id) in chosen]
    if open_to not in WORDS:
        raise InvalidInput({"open_to": "Choose one of the three."})
    if open_to == NAMED and not people:
        raise InvalidInput({"open_to": "Choose at least one member, or leave it to owners and admins."})
    credential.open_to = open_to
    session.execute(delete(CredentialUser).where(CredentialUser.credential_id == credential.id))
    named = people if open_to == NAMED else []
    session.add_all(
        CredentialUser(workspace_id=credential.workspace_id, credential_id=credential.id, member_id=member.id)
        for member in named
    )
    audit.record(
        session, credential.workspace_id, actor=actor, action="credential:change-use", subject=credential.name,
        subject_id=credential.id, open_to=WORDS[open_to], people=[member.user.email for member in named],
    )  # fmt: skip
