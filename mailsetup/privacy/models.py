"""Erasures of workspaces, and what somebody takes away of one."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from mailsetup.core.clock import utcnow
from mailsetup.core.db import Base, HasId

RUNNING, READY, FAILED = "running", "ready", "failed"


class Erasure(HasId, Base):
    """That a workspace was erased: by whom, when, and how much mail waited. It outlives the workspace."""

    __tablename__ = "erasures"

    workspace_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(200))
    asked_by: Mapped[str] = mapped_column(String(254))
    waiting: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None] = mapped_column(index=True)


class Export(HasId, Base):
    """What a workspace holds, gathered table by table; `step` and `after` say where it goes on."""

    __tablename__ = "exports"

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    asked_by: Mapped[str] = mapped_column(String(254))
    with_content: Mapped[bool]
    state: Mapped[str] = mapped_column(String(10), default=RUNNING, index=True)
    step: Mapped[int] = mapped_column(default=0)
    after: Mapped[uuid.UUID | None]
    parts: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ExportPart(Base):
    """Some rows of one table, compressed and sealed under the workspace's data key."""

    __tablename__ = "export_parts"

    export_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exports.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    file: Mapped[str] = mapped_column(String(80))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
