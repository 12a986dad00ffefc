"""People on their way to Microsoft and back: kept sealed, found by the hash of `state`, used once, ten minutes long.

A flow belongs to one user, one workspace and one browser session (RFC 9700 section 4.7): what comes back
to any other is refused, and has used the flow up all the same.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mailsetup.core import walls
from mailsetup.core.clock import utcnow
from mailsetup.core.crypto import Place
from mailsetup.core.errors import MailsetupError
from mailsetup.core.ids import new_id
from mailsetup.wizard.models import ConsentFlow
from mailsetup.workspaces.sealing import register, seal, unseal

LIFETIME = timedelta(minutes=10)
SIGN_IN, ADMIN_CONSENT, OTHER_ACCOUNT = "sign_in", "admin_consent", "other_account"


class FlowRefused(MailsetupError):
    """What came back from Microsoft does not belong to anything this person began here; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Traveller:
    """Who leaves and must come back: the person, the workspace, and a random value of the browser session."""

    user_id: uuid.UUID
    workspace_id: uuid.UUID
    browser: str


@dataclass(frozen=True)
class Returned:
    """A flow that was found, checked and used up."""

    purpose: str
    draft_id: uuid.UUID | None
    credential_id: uuid.UUID | None
    kept: dict[str, Any]


def keep_flow(
    session: Session,
    traveller: Traveller,
    *,
    purpose: str,
    state: str,
    kept: dict[str, Any],
    draft_id: uuid.UUID | None = None,
    credential_id: uuid.UUID | None = None,
) -> None:
    """Seals what is needed again when the person comes back with this `state`."""
    session.execute(delete(ConsentFlow).where(ConsentFlow.expires_at < utcnow()))
    row_id = new_id()
    session.add(
        ConsentFlow(
            id=row_id,
            workspace_id=traveller.workspace_id,
            user_id=traveller.user_id,
            draft_id=draft_id,
            credential_id=credential_id,
            purpose=purpose,
            state_hash=_hash(state),
            browser_hash=_hash(traveller.browser),
            sealed=seal(session, _place(traveller.workspace_id, row_id), json.dumps(kept)),
            expires_at=utcnow() + LIFETIME,
        )
    )
    session.flush()


def use_flow(session: Session, traveller: Traveller, state: str) -> Returned:
    """The flow of this `state`, used up and committed before anything is checked. Raises FlowRefused."""
    if not state:
        raise FlowRefused("missing")
    # Whoever brings somebody else's state voids it, whatever workspace it was begun in.
    with walls.across(session):
        row = session.scalar(select(ConsentFlow).where(ConsentFlow.state_hash == _hash(state)).with_for_update())
        if row is None:
            raise FlowRefused("unknown")
        expired, sealed, place = row.expires_at < utcnow(), row.sealed, _place(row.workspace_id, row.id)
        returned = Returned(row.purpose, row.draft_id, row.credential_id, {})
        theirs = row.user_id == traveller.user_id and row.workspace_id == traveller.workspace_id
        same_browser = hmac.compare_digest(row.browser_hash, _hash(traveller.browser))
        session.delete(row)
        session.commit()
    if not theirs or not traveller.browser or not same_browser:
        raise FlowRefused("other")
    if expired:
        raise FlowRefused("expired")
    kept = json.loads(unseal(session, place, sealed))
    return Returned(returned.purpose, returned.draft_id, returned.credential_id, kept)


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _place(workspace_id: uuid.UUID, row_id: uuid.UUID) -> Place:
    return Place(
        workspace_id=str(workspace_id),
        table=ConsentFlow.__tablename__,
        row_id=str(row_id),
        field="sealed",
        version=1,
    )


register(ConsentFlow.sealed, lambda row: _place(row.workspace_id, row.id))
