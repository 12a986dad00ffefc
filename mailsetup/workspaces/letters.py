"""Mail to people about their own accounts, and the links in it: each works once, and only its hash is kept.

A row is written in the caller's transaction; a worker makes the token, so that it is nowhere but in the mail.
Looking a link up says nothing of whether an address has an account.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, func, select, update
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.errors import NotFound
from mailsetup.core.queues import enqueue_after_commit
from mailsetup.workspaces.models import Letter
from mailsetup.workspaces.tokens import token_hash

JOB = "mailsetup.workspaces.jobs.send_letters"
SIGN_UP, SIGN_UP_KNOWN, RESET, INVITATION = "sign-up", "sign-up-known", "reset-password", "invitation"
ACCOUNT_NOTICE, WRONG_CODES = "account-notice", "wrong-codes"
VALID_FOR = {
    SIGN_UP: timedelta(days=1),
    SIGN_UP_KNOWN: timedelta(days=1),
    RESET: timedelta(minutes=30),
    INVITATION: timedelta(days=7),
    ACCOUNT_NOTICE: timedelta(days=1),
    WRONG_CODES: timedelta(days=1),
}
# Only who proved more than a password causes these, so they are never held back.
UNLIMITED = {INVITATION, ACCOUNT_NOTICE}
# Whoever asks in another's name must not be able to fill their inbox.
MOST_AN_HOUR = 3
HOUR = timedelta(hours=1)
UNUSABLE = "This link was used, is too old, or was not copied completely."


def write(
    session: Session,
    purpose: str,
    email: str,
    *,
    user_id: uuid.UUID | None = None,
    invitation_id: uuid.UUID | None = None,
    silent: bool = False,
    detail: Mapping[str, Any] | None = None,
) -> Letter:
    """A letter, sent once the caller commits; a `silent` one costs as much and is sent to nobody."""
    recent = select(func.count()).where(
        Letter.email == email, Letter.purpose == purpose, Letter.created_at > utcnow() - HOUR
    )
    too_many = (session.scalar(recent) or 0) >= MOST_AN_HOUR and purpose not in UNLIMITED
    row = Letter(
        purpose=purpose,
        email=email,
        user_id=user_id,
        invitation_id=invitation_id,
        detail=dict(detail or {}),
        silent=silent or too_many,
        expires_at=utcnow() + VALID_FOR[purpose],
    )
    session.add(row)
    session.flush()
    enqueue_after_commit(session, JOB)
    return row


def find(session: Session, purpose: str, token: str) -> Letter:
    """The letter behind a link. Raises NotFound when it is wrong, used or too old."""
    hashed = token_hash(token)
    query = select(Letter).where(Letter.token_hash == hashed, Letter.purpose == purpose, *_usable())
    found = session.scalars(query).one_or_none() if hashed else None
    if found is None:
        raise NotFound(UNUSABLE)
    return found


def use(session: Session, letter: Letter) -> None:
    """Uses the link up. Raises NotFound when it was used meanwhile."""
    used = update(Letter).where(Letter.id == letter.id, *_usable()).values(used_at=utcnow())
    result = session.execute(used)
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        raise NotFound(UNUSABLE)


def void(session: Session, purpose: str, user_id: uuid.UUID) -> None:
    """Makes every other link of this purpose useless."""
    mine = update(Letter).where(Letter.purpose == purpose, Letter.user_id == user_id, Letter.used_at.is_(None))
    session.execute(mine.values(used_at=utcnow()))


def _usable() -> tuple[ColumnElement[bool], ...]:
    return (Letter.used_at.is_(None), Letter.expires_at > utcnow())
