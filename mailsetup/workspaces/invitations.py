"""Invitations: a link, mailed and shown once, that makes whoever opens it a member."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, CursorResult, func, or_, select, update
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from mailsetup.core.redact import Secret
from mailsetup.workspaces import audit, letters, quotas
from mailsetup.workspaces.addresses import is_address, normal_address
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.members import OWNERS_ONLY, add_member, check_role, roles_given_by, take_turns
from mailsetup.workspaces.models import Invitation, Letter, Member, User
from mailsetup.workspaces.sign_in import actor_of, create_user
from mailsetup.workspaces.tokens import new_token, token_hash

VALID_FOR = timedelta(days=7)
UNUSABLE = "This invitation was used, revoked or has expired."
ALREADY_MEMBER = "{email} is already in this workspace."
ALREADY_INVITED = "{email} has an open invitation already. Revoke it first to make a new link."


def invite(session: Session, *, by: Member, email: str, role: str) -> tuple[Invitation, Secret]:
    """An invitation and the token of its link, which exists nowhere else. Raises InvalidInput, NotAllowed, NotFound."""
    check_role(role)
    take_turns(session, by)
    if role not in roles_given_by(by.role):
        raise NotAllowed(OWNERS_ONLY)
    address = normal_address(email)
    _check_new(session, by.workspace_id, address)
    quotas.check(session, by.workspace_id, quotas.INVITATIONS)
    made = _create(session, by.workspace_id, address, role, actor=actor_of(by.user), by_operator=False)
    facts = {"inviter": by.user.name, "workspace": by.workspace.name, "role": role}
    letters.write(session, letters.INVITATION, address, invitation_id=made[0].id, detail=facts)
    return made


def invite_by_operator(
    session: Session, workspace_id: uuid.UUID, *, email: str, role: str, actor: Actor
) -> tuple[Invitation, Secret]:
    """An invitation made on the server, where nobody is signed in. Raises InvalidInput."""
    return _create(session, workspace_id, normal_address(email), role, actor=actor, by_operator=True)


def _create(
    session: Session, workspace_id: uuid.UUID, email: str, role: str, *, actor: Actor, by_operator: bool
) -> tuple[Invitation, Secret]:
    token = new_token()
    invitation = Invitation(
        workspace_id=workspace_id,
        email=email,
        role=role,
        token_hash=token_hash(token),
        invited_by_id=actor.user_id,
        by_operator=by_operator,
        expires_at=utcnow() + VALID_FOR,
    )
    session.add(invitation)
    session.flush()
    _record(session, invitation, "invitation:create", actor)
    return invitation, Secret(token)


def _check_new(session: Session, workspace_id: uuid.UUID, email: str) -> None:
    known = select(Member.id).join(Member.user).where(Member.workspace_id == workspace_id, User.email == email)
    if session.scalar(known):
        raise InvalidInput({"email": ALREADY_MEMBER.format(email=email)})
    if any(invitation.email == email for invitation in list_invitations(session, workspace_id)):
        raise InvalidInput({"email": ALREADY_INVITED.format(email=email)})


def _count(session: Session, workspace_id: uuid.UUID, since: datetime) -> int:
    made = Invitation.workspace_id == workspace_id, Invitation.created_at >= since
    return session.scalar(select(func.count()).where(*made, Invitation.by_operator.is_(False))) or 0


quotas.counters[quotas.INVITATIONS] = _count


def list_invitations(session: Session, workspace_id: uuid.UUID) -> list[Invitation]:
    """The invitations of the workspace that can still be accepted, newest first."""
    query = select(Invitation).where(Invitation.workspace_id == workspace_id, *_usable())
    return list(session.scalars(query.order_by(Invitation.id.desc())))


def find_by_token(session: Session, token: str) -> Invitation:
    """The invitation behind a link. Raises NotFound when it is wrong, used, revoked or too old."""
    hashed = token_hash(token)
    mailed = select(Letter.invitation_id).where(Letter.token_hash == hashed, Letter.purpose == letters.INVITATION)
    either = or_(Invitation.token_hash == hashed, Invitation.id.in_(mailed))
    found = session.scalars(select(Invitation).where(either, *_usable())).one_or_none() if hashed else None
    if found is None:
        raise NotFound(UNUSABLE)
    return found


def proves_address(invitation: Invitation, token: str) -> bool:
    """Whether the link reached whoever was invited: it came by mail, or from the operator's own hands."""
    return invitation.by_operator or invitation.token_hash != token_hash(token)


def accept(session: Session, invitation: Invitation, user: User) -> Member:
    """Makes the person a member and uses the invitation up. Raises NotFound when it was used meanwhile, Conflict."""
    present = select(Member.id).where(Member.workspace_id == invitation.workspace_id, Member.user_id == user.id)
    if session.scalar(present):
        raise Conflict("You are in this workspace already; the invitation was left as it is.")
    _use(session, invitation, accepted_at=utcnow())
    member = add_member(session, invitation.workspace_id, user, invitation.role)
    _record(session, invitation, "invitation:accept", actor_of(user))
    return member


def accept_with_new_account(
    session: Session, invitation: Invitation, *, email: str, name: str, password: str, timezone: str = ""
) -> Member:
    """Makes an account and lets it join. Raises InvalidInput by field, NotFound."""
    trusted = invitation.by_operator and is_address(email, invitation.email)
    user = create_user(session, email=email, name=name, password=password, timezone=timezone, trusted=trusted)
    return accept(session, invitation, user)


def revoke(session: Session, invitation: Invitation, *, by: Member) -> None:
    """Makes the link useless. Raises NotFound when it was accepted meanwhile, NotAllowed."""
    if invitation.role not in roles_given_by(by.role):
        raise NotAllowed(OWNERS_ONLY)
    _use(session, invitation, revoked_at=utcnow())
    _record(session, invitation, "invitation:revoke", actor_of(by.user))


def _usable() -> tuple[ColumnElement[bool], ...]:
    return (Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None), Invitation.expires_at > utcnow())


def _use(session: Session, invitation: Invitation, **values: object) -> None:
    # Check and act in one statement, so that a link works once however often it is clicked at the same time.
    used = update(Invitation).where(Invitation.id == invitation.id, *_usable()).values(**values)
    result = session.execute(used)
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        raise NotFound(UNUSABLE)


def _record(session: Session, invitation: Invitation, action: str, actor: Actor) -> None:
    audit.record(
        session,
        invitation.workspace_id,
        actor=actor,
        action=action,
        subject=invitation.email,
        subject_id=invitation.id,
        role=invitation.role,
    )
