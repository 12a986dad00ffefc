"""Links that work once or for a while, made anew for each route that is reached by one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.wizard import handover
from mailsetup.wizard.models import SetupDraft
from mailsetup.workspaces import letters
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.invitations import invite
from mailsetup.workspaces.models import Invitation, Letter
from mailsetup.workspaces.tokens import new_token, token_hash
from tests import factories
from tests.people import Person

UNKNOWN = "A" * 43
KIND = "graph_client_credentials"


def invitation(session: Session, owner: Person) -> str:
    """For somebody new."""
    address = f"{uuid.uuid4().hex}@customer.example"
    return invite(session, by=owner.member, email=address, role="member")[1].reveal()


def password(session: Session, owner: Person) -> str:
    """For a new password of somebody; a worker would make its secret, for the letter alone."""
    user = factories.make_user(session, name=owner.user.name)
    token = new_token()
    letter = letters.write(session, letters.RESET, user.email, user_id=user.id)
    letter.token_hash, letter.sent_at = token_hash(token), utcnow()
    return token


def microsoft_admin(session: Session, owner: Person) -> str:
    """For who hands over an app."""
    draft = SetupDraft(
        workspace_id=owner.workspace.id, created_by_id=owner.user.id, name="Handed", kind=KIND, settings={}
    )
    session.add(draft)
    session.flush()
    return handover.make(session, draft, "microsoft_app", actor=SYSTEM)


LINKS: dict[str, Callable[[Session, Person], str]] = {
    "invitations": invitation,
    "new_password": password,
    "handover": microsoft_admin,
}


def link(session: Session, owner: Person, endpoint: str) -> str:
    """The secret of a link that works for this route, or one that nobody has."""
    make = LINKS.get(endpoint.partition(".")[0])
    made = make(session, owner) if make else UNKNOWN
    session.commit()
    return made


def renew(session: Session) -> None:
    """Makes what was used usable again, as the next request of a scanner uses it again."""
    soon = utcnow() + timedelta(days=1)
    session.execute(update(Letter).where(Letter.purpose == letters.RESET).values(used_at=None, expires_at=soon))
    session.execute(update(Invitation).values(accepted_at=None, revoked_at=None, expires_at=soon))
