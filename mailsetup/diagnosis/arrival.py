"""Looks into the recipient's mailbox for a test mail, where the permissions of the setup reach that far."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.diagnosis.after import ARRIVED, LOOK_FOR_MAIL, LOOKING, NOT_FOUND, UNREADABLE
from mailsetup.diagnosis.connecting import service_of
from mailsetup.diagnosis.models import PASSED, TestRun
from mailsetup.mail_services.errors import TransportError

GIVE_UP_AFTER = timedelta(minutes=5)


def look(run_id: uuid.UUID) -> None:
    """One look; a mail that is not there yet is looked for again by the sweep."""
    with session_scope() as session:
        run = session.get(TestRun, run_id)
        if run is None or not is_looked_for(run):
            return
        session.expunge(run)
    found = _found(run)
    with session_scope() as session:
        kept = session.get(TestRun, run_id)
        if kept is not None and is_looked_for(kept):
            kept.arrival = found


def is_looked_for(run: TestRun) -> bool:
    """Whether we are still looking for its mail."""
    return (run.arrival or {}).get("state") == LOOKING


def _found(run: TestRun) -> dict[str, Any]:
    try:
        arrival = _ask(run)
    except TransportError as error:
        return {"state": UNREADABLE, "code": error.code[:80]}
    if arrival is not None:
        return {"state": ARRIVED, **arrival}
    late = run.finished_at is not None and utcnow() - run.finished_at > GIVE_UP_AFTER
    return {"state": NOT_FOUND if late else LOOKING}


def _ask(run: TestRun) -> dict[str, Any] | None:
    service = service_of(run)
    try:
        found = service.find_mail(run.recipient, run.message_id)
    finally:
        service.close()
    if found is None:
        return None
    return {"received_at": found.received_at, "folder": found.folder, "verdicts": dict(found.verdicts)}


def look_again(session: Session) -> None:
    """Rings for every mail that is still looked for."""
    recent = utcnow() - 2 * GIVE_UP_AFTER
    wanted = select(TestRun).where(
        TestRun.state == PASSED, TestRun.finished_at > recent, TestRun.message_id != "", TestRun.check_only.is_(False)
    )
    for run in session.scalars(wanted):
        if is_looked_for(run):
            queues.enqueue_after_commit(session, LOOK_FOR_MAIL, str(run.id))
