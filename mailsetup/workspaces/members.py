"""Workspaces and who belongs to them."""

from __future__ import annotations

import uuid

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from mailsetup.workspaces import audit, locales, sealing
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.models import MEMBER, OWNER, ROLES, Invitation, Member, User, Workspace
from mailsetup.workspaces.names import clean_name

LAST_OWNER = "{name} is the only owner of this workspace. Make another member owner first."
OWNERS_ONLY = "Only an owner can make, change or remove an owner."


def create_workspace(session: Session, *, name: str, owner: User | None, actor: Actor) -> Workspace:
    """A new workspace with its own data key; without an owner until one accepts an invitation. Raises InvalidInput."""
    workspace = Workspace(name=clean_name(name, field="name"), timezone=owner.timezone if owner else "")
    session.add(workspace)
    session.flush()
    sealing.create_data_key(session, workspace.id)
    audit.record(
        session, workspace.id, actor=actor, action="workspace:create", subject=workspace.name, subject_id=workspace.id
    )
    if owner is not None:
        add_member(session, workspace.id, owner, OWNER)
    return workspace


def rename_workspace(session: Session, workspace: Workspace, name: str, *, actor: Actor) -> None:
    """Gives the workspace another name. Raises InvalidInput."""
    before, workspace.name = workspace.name, clean_name(name, field="workspace_name")
    if before != workspace.name:
        audit.record(
            session,
            workspace.id,
            actor=actor,
            action="workspace:rename",
            subject=workspace.name,
            subject_id=workspace.id,
            was=before,
        )


def set_zone(session: Session, workspace: Workspace, timezone: str, *, actor: Actor) -> None:
    """Sets the time zone that quiet hours and digests go by; nothing is UTC. Raises InvalidInput."""
    if timezone and timezone not in locales.zones():
        raise InvalidInput({"workspace_timezone": "Choose one of the time zones in the list."})
    if timezone != workspace.timezone:
        workspace.timezone = timezone
        audit.record(
            session, workspace.id, actor=actor, action="workspace:change-zone", subject=workspace.name,
            subject_id=workspace.id, zone=timezone or "UTC",
        )  # fmt: skip


def require_second_factor(session: Session, workspace: Workspace, wanted: bool, *, actor: Actor) -> None:
    """Whether the workspace opens only to who showed a second factor; from the next click on."""
    if wanted == workspace.second_factor_required:
        return
    workspace.second_factor_required = wanted
    action = "workspace:require-second-factor" if wanted else "workspace:end-required-second-factor"
    audit.record(session, workspace.id, actor=actor, action=action, subject=workspace.name, subject_id=workspace.id)


def list_members(session: Session, workspace_id: uuid.UUID) -> list[Member]:
    """Everybody in the workspace: owners first, then by name."""
    rows = session.scalars(select(Member).where(Member.workspace_id == workspace_id)).unique()
    return sorted(rows, key=lambda member: (ROLES.index(member.role), member.user.name.casefold()))


def add_member(session: Session, workspace_id: uuid.UUID, user: User, role: str) -> Member:
    """Puts a person into a workspace."""
    member = Member(workspace_id=workspace_id, user_id=user.id, role=role)
    session.add(member)
    session.flush()
    return member


def change_role(session: Session, member: Member, role: str, *, by: Member) -> None:
    """Gives a member another role. Raises InvalidInput, NotAllowed, NotFound, or Conflict for the last owner."""
    check_role(role)
    take_turns(session, member, by)
    _check_owner_touched(member.role, role, by=by)
    if role == member.role:
        return
    _keep_one_owner(session, member)
    before, member.role = member.role, role
    ended = _end_invitations(session, member, but=roles_given_by(role))
    _record(session, member, "member:change-role", by=by, role=role, was=before, **ended)


def remove(session: Session, member: Member, *, by: Member) -> None:
    """Takes a member out of the workspace. Raises NotAllowed, NotFound, or Conflict for the last owner."""
    take_turns(session, member, by)
    if member.id != by.id:
        _check_owner_touched(member.role, member.role, by=by)
    _keep_one_owner(session, member)
    action, ended = "member:leave" if member.id == by.id else "member:remove", _end_invitations(session, member)
    _record(session, member, action, by=by, role=member.role, **ended)
    session.delete(member)
    session.flush()


def is_only_owner(session: Session, member: Member) -> bool:
    """Whether the workspace would be left without an owner."""
    others = select(func.count()).where(
        Member.workspace_id == member.workspace_id, Member.role == OWNER, Member.id != member.id
    )
    return member.role == OWNER and not session.scalar(others)


def take_turns(session: Session, *people: Member) -> None:
    """Those who change roles at the same moment wait here; the second sees what the first did. Raises NotFound."""
    session.execute(select(Workspace.id).where(Workspace.id == people[0].workspace_id).with_for_update())
    session.expire_all()
    for person in people:
        try:
            session.refresh(person)
        except InvalidRequestError:
            raise NotFound("no such member") from None


def check_role(role: str) -> None:
    """Raises InvalidInput for a role that does not exist."""
    if role not in ROLES:
        raise InvalidInput({"role": "Choose a role: owner, admin or member."})


def roles_given_by(giver: str) -> tuple[str, ...]:
    """The roles that a person of this role may give to others."""
    if giver == MEMBER:
        return ()
    return tuple(role for role in ROLES if role != OWNER or giver == OWNER)


def _end_invitations(session: Session, member: Member, *, but: tuple[str, ...] = ()) -> dict[str, int]:
    """Links that somebody made do not outlive their right to make them: they may be in the maker's own hands."""
    mine = update(Invitation).where(
        Invitation.workspace_id == member.workspace_id,
        Invitation.invited_by_id == member.user_id,
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.role.not_in(but),
    )
    result = session.execute(mine.values(revoked_at=utcnow()))
    ended = result.rowcount if isinstance(result, CursorResult) else 0
    return {"invitations": ended} if ended else {}


def _check_owner_touched(before: str, after: str, *, by: Member) -> None:
    if OWNER in {before, after} and by.role != OWNER:
        raise NotAllowed(OWNERS_ONLY)


def _keep_one_owner(session: Session, member: Member) -> None:
    if is_only_owner(session, member):
        raise Conflict(LAST_OWNER.format(name=member.user.name))


def _record(session: Session, member: Member, action: str, *, by: Member, **detail: str | int) -> None:
    actor = Actor(by.user.email, by.user_id)
    subject = member.user.email
    audit.record(
        session, member.workspace_id, actor=actor, action=action, subject=subject, subject_id=member.id, **detail
    )
