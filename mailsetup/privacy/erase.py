"""Erases a workspace: its data key at once, so that nothing opens any more, backups included; then its rows.

Whoever asks takes the first step, in one transaction: from then on nobody gets in, nothing is sent and nothing opens.
The rows, which may be many, go piece by piece in the background.
"""

from __future__ import annotations

import time
import uuid

import structlog
from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from mailsetup.alerts.models import AlertNotice, AlertRoute
from mailsetup.api.models import ApiKey
from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.core.db import Base, session_scope
from mailsetup.core.errors import InvalidInput
from mailsetup.credentials.models import CalendarFeed
from mailsetup.diagnosis.models import TestRun
from mailsetup.events.models import EventDelivery, EventEndpoint
from mailsetup.outbound.models import PAUSED, OutboundConfig
from mailsetup.outbox.models import CANCELLED, CLAIMED, IN_FLIGHT, Message
from mailsetup.privacy.models import Erasure
from mailsetup.wizard.models import ConsentFlow, Handover
from mailsetup.workspaces import audit, sealing
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.models import Invitation, Member, OldWorkspaceKey, Workspace, WorkspaceKey

JOB = "mailsetup.privacy.jobs.work"
# Ways in and ways out: gone with the first step.
DOORS: tuple[type[Base], ...] = (
    WorkspaceKey, OldWorkspaceKey, ApiKey, Invitation, CalendarFeed, Handover, ConsentFlow, AlertNotice, AlertRoute,
    Member,
)  # fmt: skip
# What there may be millions of, and then what holds on to credentials; the rest goes with the workspace's own row.
PILES: tuple[type[Base], ...] = (Message, EventDelivery, TestRun, OutboundConfig)
BATCH = 500
WRONG = "Type the name of the workspace exactly as it stands here: {name}"
log = structlog.get_logger()


def erase(session: Session, workspace: Workspace, *, typed: str, actor: Actor) -> Erasure:
    """Takes the first step, which cannot be taken back. Raises InvalidInput unless the name was typed."""
    if typed.strip() != workspace.name:
        raise InvalidInput({"typed": WRONG.format(name=workspace.name)})
    session.execute(select(Workspace.id).where(Workspace.id == workspace.id).with_for_update())
    waiting = count_waiting(session, workspace.id)
    erasure = Erasure(workspace_id=workspace.id, name=workspace.name, asked_by=actor.label, waiting=waiting)
    session.add(erasure)
    audit.record(
        session, workspace.id, actor=actor, action="workspace:erase", subject=workspace.name,
        subject_id=workspace.id, mails_that_waited=waiting,
    )  # fmt: skip
    session.flush()
    _stop(session, workspace.id)
    _delete_doors(session, workspace.id)
    sealing.forget(workspace.id)
    queues.enqueue_after_commit(session, JOB)
    log.warning("workspace_erased", workspace=str(workspace.id), waiting=waiting)
    return erasure


def count_waiting(session: Session, workspace_id: uuid.UUID) -> int:
    """Mails that have not ended: they will never be sent."""
    unfinished = Message.workspace_id == workspace_id, Message.status.in_(IN_FLIGHT)
    return session.scalar(select(func.count()).select_from(Message).where(*unfinished)) or 0


def _stop(session: Session, workspace_id: uuid.UUID) -> None:
    """Nothing is claimed from here on, and what was claimed is not begun; what is on the wire cannot be taken back."""
    claimed = Message.workspace_id == workspace_id, Message.status == CLAIMED
    ended = {"status": CANCELLED, "lease_token": None, "lease_until": None, "finished_at": utcnow()}
    for chosen, values in (
        (update(OutboundConfig).where(OutboundConfig.workspace_id == workspace_id), {"health": PAUSED}),
        (update(EventEndpoint).where(EventEndpoint.workspace_id == workspace_id), {"deleted_at": utcnow()}),
        (update(Message).where(*claimed), ended),
    ):
        session.execute(chosen.values(values), execution_options={"synchronize_session": False})


def _delete_doors(session: Session, workspace_id: uuid.UUID) -> None:
    for table in DOORS:
        column = table.__table__.c.workspace_id
        session.execute(delete(table).where(column == workspace_id), execution_options={"synchronize_session": False})


def unfinished(session: Session) -> list[uuid.UUID]:
    """Workspaces whose rows are not all gone yet."""
    return list(session.scalars(select(Erasure.workspace_id).where(Erasure.finished_at.is_(None)).limit(100)))


def carry_on(until: float) -> bool:
    """Deletes rows of erased workspaces until `until` (monotonic seconds); whether there is more to do."""
    with session_scope() as session:
        waiting = unfinished(session)
    for workspace_id in waiting:
        while not _step(workspace_id):
            if time.monotonic() > until:
                return True
    return False


def _step(workspace_id: uuid.UUID) -> bool:
    """Deletes a batch, in a transaction of its own; whether the workspace is gone."""
    with session_scope() as session:
        if any(_delete_batch(session, table, workspace_id) for table in PILES):
            return False
        session.execute(delete(Workspace).where(Workspace.id == workspace_id))
        session.execute(update(Erasure).where(Erasure.workspace_id == workspace_id).values(finished_at=utcnow()))
    return True


def _delete_batch(session: Session, table: type[Base], workspace_id: uuid.UUID) -> int:
    columns = table.__table__.c
    some = select(columns.id).where(columns.workspace_id == workspace_id).limit(BATCH)
    done = session.execute(delete(table).where(columns.id.in_(some)), execution_options={"synchronize_session": False})
    return done.rowcount if isinstance(done, CursorResult) else 0


def erasures(session: Session, limit: int = 50) -> list[Erasure]:
    """The newest erasures, for the operator."""
    return list(session.scalars(select(Erasure).order_by(Erasure.created_at.desc()).limit(limit)))
