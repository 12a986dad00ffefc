"""Alerts: what is wrong, who is told, whether telling worked."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mailsetup.core.clock import utcnow
from mailsetup.core.db import Base, HasId

OPENED, REMINDED, RESOLVED, TESTED = "opened", "reminded", "resolved", "tested"
PENDING, SENDING, SENT, FAILED, SKIPPED = "pending", "sending", "sent", "failed", "skipped"


class Alert(HasId, Base):
    """One thing that is wrong; at most one is open for each subject and cause, repeats are counted."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_open",
            "workspace_id",
            "subject_key",
            "cause",
            unique=True,
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
    )

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    subject_key: Mapped[str] = mapped_column(String(80))
    subject_label: Mapped[str] = mapped_column(String(200))
    cause: Mapped[str] = mapped_column(String(80))
    severity: Mapped[str] = mapped_column(String(10), default="error")
    title: Mapped[str] = mapped_column(String(300))
    explanation: Mapped[dict[str, Any]] = mapped_column(default=dict)
    fix_path: Mapped[str] = mapped_column(String(300), default="/")
    notify_address: Mapped[str] = mapped_column(String(254), default="")
    count: Mapped[int] = mapped_column(default=1)
    waiting: Mapped[int] = mapped_column(default=0)  # mails held back when it was last seen
    opened_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_seen_at: Mapped[datetime] = mapped_column(default=utcnow)
    reminded_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    resolution: Mapped[str] = mapped_column(String(300), default="")

    notices: Mapped[list[AlertNotice]] = relationship(order_by="AlertNotice.created_at", viewonly=True)


class AlertRoute(HasId, Base):
    """A further address of the workspace that hears of its alerts."""

    __tablename__ = "alert_routes"
    __table_args__ = (UniqueConstraint("workspace_id", "channel", "target"),)

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(20), default="email")
    target: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class AlertNotice(HasId, Base):
    """One notice to one address, and whether sending it worked; `lease_token` names the job that is sending it."""

    __tablename__ = "alert_notices"
    __table_args__ = (Index("ix_alert_notices_due", "state", "next_attempt_at"),)

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    alert_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"), index=True)
    event: Mapped[str] = mapped_column(String(10))
    channel: Mapped[str] = mapped_column(String(20), default="email")
    target: Mapped[str] = mapped_column(String(254))
    state: Mapped[str] = mapped_column(String(10), default=PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    next_attempt_at: Mapped[datetime] = mapped_column(default=utcnow)
    sent_at: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None]
    possible_duplicate: Mapped[bool] = mapped_column(default=False)

    alert: Mapped[Alert | None] = relationship(viewonly=True)
