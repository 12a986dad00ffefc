"""Codes for who has lost the authenticator app: ten, each works once, only their hashes are kept."""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.redact import Secret
from mailsetup.workspaces.models import RecoveryCode

COUNT = 10
# 24 of 31 letters are 118 bits: enough for a plain hash (OWASP ASVS 5.0.0, 6.5.2); nothing that looks like another.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
LENGTH, GROUP = 24, 6
_OTHER = re.compile(r"[^a-z0-9]")


def replace(session: Session, user_id: uuid.UUID) -> list[Secret]:
    """Ten new codes; every one before stops working."""
    forget(session, user_id)
    codes = ["".join(secrets.choice(LETTERS) for _ in range(LENGTH)) for _ in range(COUNT)]
    session.add_all(RecoveryCode(user_id=user_id, code_hash=_hash(user_id, code)) for code in codes)
    session.flush()
    return [Secret("-".join(re.findall(f".{{{GROUP}}}", code))) for code in codes]


def use(session: Session, user_id: uuid.UUID, typed: str) -> bool:
    """Uses a code up; whether it was one, and unused."""
    code = _OTHER.sub("", typed.lower())
    if len(code) != LENGTH:
        return False
    mine = update(RecoveryCode).where(
        RecoveryCode.user_id == user_id, RecoveryCode.code_hash == _hash(user_id, code), RecoveryCode.used_at.is_(None)
    )
    result = session.execute(mine.values(used_at=utcnow()))
    return isinstance(result, CursorResult) and result.rowcount == 1


def left(session: Session, user_id: uuid.UUID) -> int:
    """How many codes still work."""
    unused = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(unused) or 0


def forget(session: Session, user_id: uuid.UUID) -> None:
    """Takes all codes away."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


def _hash(user_id: uuid.UUID, code: str) -> str:
    return hashlib.sha256(f"{user_id}:{code}".encode()).hexdigest()
