"""The sessions of people: a row for each browser, so that each can be seen, and ended for good.

The limits and the new proof before sensitive changes follow OWASP ASVS 5.0.0, 7.3 to 7.5.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.redact import Secret
from mailsetup.workspaces.models import User, UserSession
from mailsetup.workspaces.tokens import new_token, token_hash

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
SEEN_COARSE = timedelta(minutes=5)
PROOF_LASTS = timedelta(minutes=30)
# How long somebody may take to show the second factor after the password, and how often they may be wrong.
PENDING_LASTS = timedelta(minutes=10)
MOST_WRONG_CODES = 5
# A form that asks for a secret is opened only with this much of the proof left, so that it can also be sent.
FORM_TIME = timedelta(minutes=15)


def begin(
    session: Session, user: User, *, browser: str, address: str, strong: bool = False, pending: bool = False
) -> tuple[UserSession, Secret]:
    """A session of somebody who just proved who they are, and the token of its cookie.

    A `strong` one began with a second factor; a `pending` one waits for it and opens nothing else.
    """
    session.execute(delete(UserSession).where(UserSession.expires_at < utcnow()))
    token = new_token()
    row = UserSession(
        user_id=user.id,
        token_hash=token_hash(token),
        browser=browser[:80],
        address=address[:45],
        expires_at=utcnow() + (PENDING_LASTS if pending else LONGEST),
        strong=strong,
        pending=pending,
    )
    row.user = user
    session.add(row)
    session.flush()
    return row, Secret(token)


def find(session: Session, token: str, *, pending: bool = False) -> UserSession | None:
    """The session behind a cookie; none once it was ended, rested too long or has had its time."""
    now, hashed = utcnow(), token_hash(token)
    alive = (UserSession.expires_at > now, UserSession.seen_at > now - IDLE, UserSession.pending.is_(pending))
    query = select(UserSession).where(UserSession.token_hash == hashed, *alive)
    return session.scalars(query).one_or_none() if hashed else None


def note_seen(session: Session, row: UserSession) -> bool:
    """Notes that the session is used, at most every five minutes; whether there is something to commit."""
    now = utcnow()
    if row.seen_at > now - SEEN_COARSE:
        return False
    session.execute(update(UserSession).where(UserSession.id == row.id).values(seen_at=now))
    return True


def proved_lately(row: UserSession, *, spare: timedelta = timedelta()) -> bool:
    """Whether the person proved who they are not long ago, with `spare` time left until that must be done again."""
    return row.proved_at > utcnow() - PROOF_LASTS + spare


def prove_again(session: Session, row: UserSession, *, strong: bool = False) -> Secret:
    """Notes that the person proved again who they are; the session gets another token."""
    token = new_token()
    row.token_hash, row.proved_at, row.strong = token_hash(token), utcnow(), row.strong or strong
    session.flush()
    return Secret(token)


def note_wrong_code(session: Session, row: UserSession) -> bool:
    """Counts a wrong second factor; whether another may be tried, else the pending session is over."""
    mine = update(UserSession).where(UserSession.id == row.id).values(wrong_codes=UserSession.wrong_codes + 1)
    so_far = session.scalar(mine.returning(UserSession.wrong_codes))
    if so_far is None:  # of several tries at the same moment another one was the last
        return False
    if so_far < MOST_WRONG_CODES:
        return True
    end(session, row.user_id, row.id)
    return False


def list_sessions(session: Session, user_id: uuid.UUID) -> list[UserSession]:
    """Where the person is signed in, last used first."""
    now = utcnow()
    alive = (UserSession.expires_at > now, UserSession.seen_at > now - IDLE, UserSession.pending.is_(False))
    mine = select(UserSession).where(UserSession.user_id == user_id, *alive)
    return list(session.scalars(mine.order_by(UserSession.seen_at.desc())))


def end(session: Session, user_id: uuid.UUID, session_id: uuid.UUID) -> bool:
    """Ends one session of the person; whether there was such a one."""
    mine = delete(UserSession).where(UserSession.id == session_id, UserSession.user_id == user_id)
    result = session.execute(mine)
    return isinstance(result, CursorResult) and result.rowcount == 1


def end_all(session: Session, user_id: uuid.UUID, *, but: uuid.UUID | None = None) -> None:
    """Signs the person out everywhere, but for one session."""
    mine = delete(UserSession).where(UserSession.user_id == user_id)
    session.execute(mine.where(UserSession.id != but) if but else mine)


def ends_at(row: UserSession) -> datetime:
    """When the session ends if it is not used."""
    return min(row.seen_at + IDLE, row.expires_at)
