"""API keys: made, shown once, looked up by their hash, revoked.

A key is `oms_live_` + 256 random bits in base 62 + a checksum: scanners find it by its prefix, and a made-up
one is turned away without asking the database.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
import zlib
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mailsetup.api.models import ApiKey
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import InvalidInput
from mailsetup.core.redact import Secret
from mailsetup.workspaces import audit
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.models import Workspace

PREFIX = "oms_live_"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RANDOM_LENGTH, CHECK_LENGTH = 43, 6
SCOPES = {
    "send": "Queue mail, cancel it and send it again",
    "read": "See messages and setups",
    "test": "Start tests of setups",
}
NAME_LIMIT = 120
USED_COARSE = timedelta(minutes=5)


def new_key() -> Secret:
    """A key that nobody has."""
    body = PREFIX + _base62(secrets.randbits(256), RANDOM_LENGTH)
    return Secret(body + _checksum(body))


def well_formed(key: str) -> bool:
    """Whether this could be one of our keys."""
    if len(key) != len(PREFIX) + RANDOM_LENGTH + CHECK_LENGTH or not key.startswith(PREFIX) or not key.isascii():
        return False
    return secrets.compare_digest(_checksum(key[:-CHECK_LENGTH]), key[-CHECK_LENGTH:])


def create_key(
    session: Session,
    *,
    workspace_id: uuid.UUID,
    actor: Actor,
    name: str,
    scopes: list[str],
    expires_at: datetime | None = None,
) -> tuple[ApiKey, Secret]:
    """Makes a key; its text is in the answer and nowhere else. Raises InvalidInput by field."""
    name = " ".join(name.split())
    _check(session, workspace_id, name, scopes, expires_at)
    key = new_key()
    row = ApiKey(
        workspace_id=workspace_id,
        name=name,
        key_hash=_hash(key.reveal()),
        ending=key.reveal()[-4:],
        scopes=[scope for scope in SCOPES if scope in scopes],
        created_by_id=actor.user_id,
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        workspace_id,
        actor=actor,
        action="api_key:create",
        subject=name,
        subject_id=row.id,
        scopes=row.scopes,
    )
    return row, key


def _check(
    session: Session, workspace_id: uuid.UUID, name: str, scopes: list[str], expires_at: datetime | None
) -> None:
    wrong = {}
    if not name or len(name) > NAME_LIMIT or not name.isprintable():
        wrong["name"] = f"Give the key a name, like “Shop”, of at most {NAME_LIMIT} characters."
    elif session.scalar(select(ApiKey.id).where(ApiKey.workspace_id == workspace_id, ApiKey.name == name)):
        wrong["name"] = f"There is a key named “{name}” already. Choose another name."
    if not scopes or set(scopes) - set(SCOPES):
        wrong["scopes"] = "Choose what the key may do."
    if expires_at is not None and expires_at <= utcnow():
        wrong["expires_at"] = "Choose a day that is still to come."
    if wrong:
        raise InvalidInput(wrong)


def list_keys(session: Session, workspace_id: uuid.UUID) -> list[ApiKey]:
    """The workspace's keys, the usable ones first, then the newest."""
    query = select(ApiKey).where(ApiKey.workspace_id == workspace_id)
    return list(session.scalars(query.order_by(ApiKey.revoked_at.is_not(None), ApiKey.created_at.desc())))


def state_of(row: ApiKey, now: datetime) -> str:
    """active, expired or revoked."""
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= now else "active"


def find_key(session: Session, text: str) -> tuple[ApiKey, Workspace] | None:
    """The usable key with this text, and whose it is."""
    if not well_formed(text):
        return None
    query = select(ApiKey, Workspace).join(Workspace, Workspace.id == ApiKey.workspace_id)
    row = session.execute(query.where(ApiKey.key_hash == _hash(text))).one_or_none()
    if row is None or state_of(row[0], utcnow()) != "active":
        return None
    key, workspace = row
    return key, workspace


def still_works(session: Session, key_id: uuid.UUID, scope: str) -> bool:
    """Whether a key that signed in a while ago may still do this."""
    row = session.get(ApiKey, key_id)
    return row is not None and scope in row.scopes and state_of(row, utcnow()) == "active"


def note_use(session: Session, row: ApiKey) -> bool:
    """Notes that the key was used, at most every five minutes; whether there is something to commit."""
    now = utcnow()
    if row.last_used_at is not None and row.last_used_at > now - USED_COARSE:
        return False
    session.execute(update(ApiKey).where(ApiKey.id == row.id).values(last_used_at=now))
    return True


def revoke(session: Session, row: ApiKey, *, actor: Actor) -> None:
    """Ends the key at once; a second time changes nothing."""
    if row.revoked_at is None:
        row.revoked_at = utcnow()
        audit.record(
            session, row.workspace_id, actor=actor, action="api_key:revoke", subject=row.name, subject_id=row.id
        )


def _hash(key: str) -> str:
    # A look-up secret of 256 bits needs no slow hash (OWASP ASVS 6.5.2).
    return hashlib.sha256(key.encode()).hexdigest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), CHECK_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
