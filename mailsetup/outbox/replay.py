"""Writes into the database what a dead worker of this machine knew and could not write any more."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from mailsetup.core import db
from mailsetup.outbox import attempts, claim
from mailsetup.outbox.claim import Claimed
from mailsetup.outbox.journal import Found, journals, orphan
from mailsetup.outbox.models import SENDING, Message

log = structlog.get_logger()


def replay(folder: Path, now: datetime) -> int:
    """Replays every journal without an owner; how many acceptances became known. Raises OperationalError."""
    known = 0
    for path in journals(folder):
        with orphan(path) as found:
            try:
                known += _replay(found, now) if found is not None else 0
            except OperationalError:
                raise
            except Exception:  # The job edge: one that cannot be read into the database must not stop all mail.
                log.exception("journal_not_replayed", path=path.name)
                continue
            if found is not None:
                # Only now: a journal that could not be written into the database is read again.
                path.unlink(missing_ok=True)
    return known


def _replay(found: Found, now: datetime) -> int:
    if not found.token:
        return 0
    with db.session_scope() as session:
        held = _held(session, found.token)
        accepted = [(message, found.accepted[message.id]) for message in held if message.id in found.accepted]
        attempts.record_all_sent(session, accepted, now)
        untouched = [message for message in held if message.id not in found.begun or message.id in found.refused]
        claim.release(session, untouched, now)
    log.warning("journal_replayed", accepted=len(accepted), given_back=len(untouched))
    return len(accepted)


def _held(session: Session, token: str) -> list[Claimed]:
    """Mail that the dead worker had begun, as it was when it was claimed: without the try that was begun since."""
    query = select(*claim.COLUMNS).where(Message.lease_token == token, Message.status == SENDING)
    rows = session.execute(query).mappings().all()
    return [Claimed(**{**row, "attempt_count": row["attempt_count"] - 1}, token=token) for row in rows]
