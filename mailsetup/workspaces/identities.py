"""A person's accounts elsewhere: connected by the person themselves, or by an invitation; never found by address."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from mailsetup.core.issuers import Issuer
from mailsetup.workspaces import letters, sessions
from mailsetup.workspaces.invitations import accept
from mailsetup.workspaces.issuers import Somebody
from mailsetup.workspaces.models import Identity, Invitation, Member, User
from mailsetup.workspaces.names import clean_name
from mailsetup.workspaces.sign_in import RESERVED, NewPerson, add_user, record_of_person

TAKEN = "This account of {name} signs somebody else in here. Disconnect it there first."
LAST_WAY = "This is your only way to sign in. Set a password first."


def find(session: Session, somebody: Somebody) -> Identity | None:
    """The connected account of whoever came back."""
    query = select(Identity).where(Identity.issuer == somebody.issuer, Identity.subject == somebody.subject)
    return session.scalars(query).one_or_none()


def of_person(session: Session, user_id: uuid.UUID) -> list[Identity]:
    """The person's connected accounts, oldest first."""
    return list(session.scalars(select(Identity).where(Identity.user_id == user_id).order_by(Identity.id)))


def note_use(identity: Identity, somebody: Somebody) -> None:
    """Notes that it signed the person in, and what it is called now."""
    identity.last_used_at, identity.label = utcnow(), somebody.label


def connect(session: Session, user: User, issuer: Issuer, somebody: Somebody) -> Identity:
    """Lets the account sign this person in from now on. Raises Conflict when it signs somebody else in."""
    known = find(session, somebody)
    if known is not None and known.user_id != user.id:
        raise Conflict(TAKEN.format(name=issuer.name))
    if known is not None:
        return known
    identity = _add(session, user, issuer, somebody)
    record_of_person(session, user, "user:connect-account", detail={"account": f"{issuer.name}: {somebody.label}"})
    _tell(session, user, "connected", issuer.name, somebody.label)
    return identity


def join(session: Session, invitation: Invitation, issuer: Issuer, somebody: Somebody) -> Member:
    """Makes an account without a password for whoever was invited, and lets it join. Raises Conflict, NotFound."""
    if invitation.email in settings.current().operator_emails and not invitation.by_operator:
        raise NotAllowed(RESERVED)
    try:
        # An empty hash is the hash of no password, so there is none to guess.
        user = add_user(session, NewPerson(invitation.email, _name(somebody, invitation.email), password_hash=""))
    except InvalidInput as error:
        raise Conflict(
            f"There is an account with the address {invitation.email} already. Sign in to it with its password, accept "
            f"the invitation there, and connect {issuer.name} at Settings, Signing in."
        ) from error
    _add(session, user, issuer, somebody)
    return accept(session, invitation, user)


def disconnect(session: Session, user: User, identity_id: uuid.UUID) -> Identity:
    """Takes an account away and ends every session. Raises NotFound, or Conflict for the only way in."""
    mine = of_person(session, user.id)
    identity = next((row for row in mine if row.id == identity_id), None)
    if identity is None:
        raise NotFound("no such account")
    if not user.password_hash and len(mine) == 1:
        raise Conflict(LAST_WAY)
    session.delete(identity)
    sessions.end_all(session, user.id)
    record_of_person(session, user, "user:disconnect-account", detail={"account": identity.label})
    _tell(session, user, "disconnected", identity.issuer_key, identity.label)
    return identity


def _add(session: Session, user: User, issuer: Issuer, somebody: Somebody) -> Identity:
    identity = Identity(
        user_id=user.id,
        issuer_key=issuer.key,
        issuer=somebody.issuer,
        subject=somebody.subject,
        label=somebody.label,
        last_used_at=utcnow(),
    )
    session.add(identity)
    try:
        session.flush()
    except IntegrityError as error:
        session.rollback()
        raise Conflict(TAKEN.format(name=issuer.name)) from error
    return identity


def _name(somebody: Somebody, email: str) -> str:
    try:
        return clean_name(somebody.name, field="name")
    except InvalidInput:
        return email.partition("@")[0]


def _tell(session: Session, user: User, what: str, issuer: str, account: str) -> None:
    facts = {"what": what, "issuer": issuer, "account": account}
    letters.write(session, letters.ACCOUNT_NOTICE, user.email, user_id=user.id, detail=facts)
