"""Gathers everything a workspace holds, without secrets, table by table; where it stopped it goes on."""

from __future__ import annotations

import time
import uuid
import zlib
from datetime import timedelta

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mailsetup.core import queues, walls
from mailsetup.core.clock import utcnow
from mailsetup.core.crypto import Place
from mailsetup.core.db import session_scope
from mailsetup.core.errors import Conflict, UnsealError
from mailsetup.privacy import rows
from mailsetup.privacy.models import FAILED, READY, RUNNING, Export, ExportPart
from mailsetup.workspaces import audit, sealing
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.models import Workspace

JOB = "mailsetup.privacy.jobs.work"
KEPT = timedelta(days=1)
ONE_AT_A_TIME = "An export of this workspace is being made already; wait for it, or delete it."
log = structlog.get_logger()


def begin(session: Session, workspace: Workspace, *, with_content: bool, actor: Actor) -> Export:
    """Asks for an export. Raises Conflict while another one is being made."""
    session.execute(select(Workspace.id).where(Workspace.id == workspace.id).with_for_update())
    running = Export.workspace_id == workspace.id, Export.state == RUNNING
    if session.scalar(select(Export.id).where(*running).limit(1)):
        raise Conflict(ONE_AT_A_TIME)
    row = Export(workspace_id=workspace.id, asked_by=actor.label, with_content=with_content, expires_at=utcnow() + KEPT)
    session.add(row)
    audit.record(
        session, workspace.id, actor=actor, action="workspace:export", subject=workspace.name,
        subject_id=workspace.id, content="with the content of mail" if with_content else "",
    )  # fmt: skip
    queues.enqueue_after_commit(session, JOB)
    return row


def list_exports(session: Session, workspace_id: uuid.UUID) -> list[Export]:
    """The workspace's exports, newest first."""
    return list(session.scalars(select(Export).where(Export.workspace_id == workspace_id).order_by(Export.id.desc())))


def unfinished(session: Session) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Exports that are being made, each with its workspace."""
    found = select(Export.id, Export.workspace_id).where(Export.state == RUNNING).order_by(Export.id).limit(100)
    return [(row.id, row.workspace_id) for row in session.execute(found)]


def forget_old(session: Session) -> None:
    """Deletes exports a day after they were asked for."""
    session.execute(delete(Export).where(Export.expires_at < utcnow()))


def carry_on(until: float) -> bool:
    """Goes on with exports until `until` (monotonic seconds); whether there is more to do."""
    with session_scope() as session:
        waiting = unfinished(session)
    for export_id, workspace_id in waiting:
        with walls.only(workspace_id):
            while _step(export_id):
                if time.monotonic() > until:
                    return True
    return False


def _step(export_id: uuid.UUID) -> bool:
    """Gathers a batch, in a transaction of its own; whether there is more of this export."""
    with session_scope() as session:
        row = session.get(Export, export_id, with_for_update={"skip_locked": True})
        if row is None or row.state != RUNNING:
            return False
        try:
            _gather(session, row)
        except UnsealError:
            log.error("export_cannot_be_sealed", workspace=str(row.workspace_id))
            row.state = FAILED
        return row.state == RUNNING


def _gather(session: Session, row: Export) -> None:
    row.total = row.total or _count(session, row.workspace_id)
    chosen = rows.all_tables()[row.step]
    found = rows.read(session, chosen, row.workspace_id, row.after)
    if found.objects:
        _keep(session, row, f"{chosen.name}.json", rows.as_json(found.objects))
        row.done += len(found.objects)
    row.after = found.after
    if found.after is None:
        row.step += 1
    if row.step == len(rows.all_tables()):
        row.state, row.finished_at = READY, utcnow()


def _count(session: Session, workspace_id: uuid.UUID) -> int:
    return sum(rows.count(session, table, workspace_id) for table in rows.all_tables())


def _keep(session: Session, row: Export, file: str, content: bytes) -> None:
    row.parts += 1
    sealed = sealing.seal_body(session, part_place(row.workspace_id, row.id, row.parts), zlib.compress(content))
    part = ExportPart(export_id=row.id, number=row.parts, workspace_id=row.workspace_id, file=file, sealed=sealed)
    session.add(part)


def part_place(workspace_id: uuid.UUID, export_id: uuid.UUID, number: int) -> Place:
    """Where this part belongs."""
    return Place(str(workspace_id), ExportPart.__tablename__, str(export_id), "content", number)


sealing.register(ExportPart.sealed, lambda row: part_place(row.workspace_id, row.export_id, row.number))
