"""Test runs and their stages."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mailsetup.core.clock import utcnow
from mailsetup.core.db import Base, HasId

WAITING, RUNNING, PASSED, FAILED, CANCELLED = "waiting", "running", "passed", "failed", "cancelled"
PENDING, SKIPPED = "pending", "skipped"  # of stages, beside running, passed and failed
FINISHED = (PASSED, FAILED, CANCELLED)


class TestRun(HasId, Base):
    """One test: a snapshot of the values, the address written to, and how it went."""

    __tablename__ = "test_runs"
    __table_args__ = (Index("ix_test_runs_values", "workspace_id", "fingerprint", "finished_at"),)
    __test__ = False

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(60))
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    credential_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("credentials.id", ondelete="CASCADE"))
    credential_version: Mapped[int | None]
    config_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("outbound_configs.id", ondelete="CASCADE"))
    fingerprint: Mapped[str] = mapped_column(String(64))
    recipient: Mapped[str] = mapped_column(String(254))
    state: Mapped[str] = mapped_column(String(10), default=WAITING)
    verdict: Mapped[str] = mapped_column(Text, default="")
    explanation: Mapped[dict[str, Any] | None]
    service_id: Mapped[str] = mapped_column(String(400), default="")
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    check_only: Mapped[bool] = mapped_column(default=False, server_default=false())  # stops before the mail itself
    message_id: Mapped[str] = mapped_column(String(300), default="", server_default="")
    worker: Mapped[str] = mapped_column(String(120), default="", server_default="")
    worker_since: Mapped[datetime | None]
    arrived: Mapped[str] = mapped_column(String(10), default="", server_default="")  # what a person says: yes, no
    arrival: Mapped[dict[str, Any] | None]  # what the mailbox itself says, where it may be read
    started_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    started_by_label: Mapped[str] = mapped_column(String(254), default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    started_at: Mapped[datetime | None]
    deadline_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    stages: Mapped[list[TestStage]] = relationship(order_by="TestStage.position", cascade="all, delete-orphan")

    @property
    def finished(self) -> bool:
        """Whether there is a verdict."""
        return self.state in FINISHED


class DomainReport(HasId, Base):
    """What the DNS says of a domain that mail comes from, seen from the service at `host` that sends it."""

    __tablename__ = "domain_reports"
    __table_args__ = (UniqueConstraint("workspace_id", "domain", "host"),)

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    domain: Mapped[str] = mapped_column(String(253))
    host: Mapped[str] = mapped_column(String(253))
    report: Mapped[dict[str, Any] | None]
    wanted_at: Mapped[datetime] = mapped_column(default=utcnow)
    checked_at: Mapped[datetime | None]
    changed_at: Mapped[datetime | None]


class TestStage(HasId, Base):
    """One stage of a test run: pending, running, passed, failed or skipped, with its verdict."""

    __tablename__ = "test_stages"
    __table_args__ = (UniqueConstraint("run_id", "name"),)
    __test__ = False

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("test_runs.id", ondelete="CASCADE"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10), default="pending")
    started_at: Mapped[datetime | None]
    milliseconds: Mapped[int | None]
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    verdict: Mapped[str] = mapped_column(Text, default="")
