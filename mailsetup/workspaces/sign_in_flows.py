"""People on their way to an issuer and back: each way belongs to one browser and one purpose, and is used once.

Verifier and nonce are made out of `state` with a key that only this side has, so nothing secret is kept.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import MailsetupError
from mailsetup.workspaces.issuers import Trip
from mailsetup.workspaces.models import SignInFlow

LIFETIME = timedelta(minutes=10)
SIGN_IN, PROVE, CONNECT = "sign-in", "prove", "connect"


class FlowRefused(MailsetupError):
    """What came back belongs to nothing that was begun in this browser, or came too late."""


@dataclass(frozen=True)
class Returned:
    """A way that was found, checked and used up."""

    purpose: str
    trip: Trip
    user_id: uuid.UUID | None
    invitation_id: uuid.UUID | None
    way_back: str
    strong: bool
    began_at: datetime


def begin(
    session: Session,
    *,
    issuer_key: str,
    purpose: str,
    browser: str,
    user_id: uuid.UUID | None = None,
    invitation_id: uuid.UUID | None = None,
    way_back: str = "/",
    strong: bool = False,
) -> Trip:
    """Notes that somebody leaves this browser for an issuer."""
    session.execute(delete(SignInFlow).where(SignInFlow.expires_at < utcnow()))
    state = secrets.token_urlsafe(32)
    session.add(
        SignInFlow(
            issuer_key=issuer_key,
            purpose=purpose,
            state_hash=_hash(state),
            browser_hash=_hash(browser),
            user_id=user_id,
            invitation_id=invitation_id,
            way_back=way_back[:2000],
            strong=strong,
            expires_at=utcnow() + LIFETIME,
        )
    )
    session.flush()
    return _trip(state)


def use(session: Session, *, issuer_key: str, browser: str, state: str) -> Returned:
    """The way of this `state`, used up and committed before anything is checked. Raises FlowRefused."""
    query = select(SignInFlow).where(SignInFlow.state_hash == _hash(state)).with_for_update()
    row = session.scalar(query) if state else None
    if row is None:
        raise FlowRefused("unknown or used")
    returned = Returned(
        row.purpose, _trip(state), row.user_id, row.invitation_id, row.way_back, row.strong, row.created_at
    )
    mine = bool(browser) and hmac.compare_digest(row.browser_hash, _hash(browser)) and row.issuer_key == issuer_key
    late = row.expires_at < utcnow()
    session.delete(row)
    session.commit()
    if not mine or late:
        raise FlowRefused("too late" if mine else "begun elsewhere")
    return returned


def _trip(state: str) -> Trip:
    return Trip(state, _made("verifier", state), _made("nonce", state))


def _made(purpose: str, state: str) -> str:
    key = settings.current().secret_key.reveal().encode()
    made = hmac.new(key, f"sign-in {purpose} {state}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
