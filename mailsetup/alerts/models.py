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
ERROR, WARNING = "error", "warning"
AT_ONCE, HOURLY, DAILY = "at_once", "hourly", "daily"
PENDING, SENDING, SENT, FAILED, SKIPPED = "pending", "sending", "sent", "failed", "skipped"


_OPEN = text("resolved_at IS NULL")
_OPEN_FOR_ALL = text("resolved_at IS NULL AND workspace_id IS NULL")


class Alert(HasId, Base):
    """One thing that is wrong; at most one is open for each subject and cause, repeats are counted.

    Without a workspace it concerns the whole installation, and the operator is told. `depth` 1 is an alert about
    alerting itself: what goes wrong with telling it opens no further one.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_open",
            "workspace_id",
            "subject_key",
            "cause",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index(
            "uq_alerts_open_for_all",
            "subject_key",
            "cause",
            unique=True,
            sqlite_where=_OPEN_FOR_ALL,
            postgresql_where=_OPEN_FOR_ALL,
        ),
    )

    workspace_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    subject_key: Mapped[str] = mapped_column(String(80))
    subject_label: Mapped[str] = mapped_column(String(200))
    cause: Mapped[str] = mapped_column(String(80))
    severity: Mapped[str] = mapped_column(String(10), default=ERROR)
    depth: Mapped[int] = mapped_column(default=0)
    title: Mapped[str] = mapped_column(String(300))
    explanation: Mapped[dict[str, Any]] = mapped_column(default=dict)
    fix_path: Mapped[str] = mapped_column(String(300), default="/")
    notify_address: Mapped[str] = mapped_column(String(254), default="")
    count: Mapped[int] = mapped_column(default=1)
    waiting: Mapped[int] = mapped_column(default=0)  # mails held back when it was last seen
    opened_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_seen_at: Mapped[datetime] = mapped_column(default=utcnow)
    reminded_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str] = mapped_column(String(254), default="")
    snoozed_until: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    resolution: Mapped[str] = mapped_column(String(300), default="")

    notices: Mapped[list[AlertNotice]] = relationship(order_by="AlertNotice.created_at", viewonly=True)


class AlertRoute(HasId, Base):
    """A further way by which a workspace hears of its alerts, and what goes that way.

    `target` is what may be shown; `sealed` holds the address and secret of a webhook. Empty `groups` and `setups`
    mean all of them. `quiet_from` and `quiet_until` are times of day such as 22:00 in the workspace's zone.
    """

    __tablename__ = "alert_routes"
    __table_args__ = (UniqueConstraint("workspace_id", "channel", "target"),)

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(20), default="email")
    name: Mapped[str] = mapped_column(String(80), default="")
    target: Mapped[str] = mapped_column(String(254))
    sealed: Mapped[str] = mapped_column(Text, default="")
    severity: Mapped[str] = mapped_column(String(10), default=WARNING)
    groups: Mapped[list[Any]] = mapped_column(default=list)
    setups: Mapped[list[Any]] = mapped_column(default=list)
    quiet_from: Mapped[str] = mapped_column(String(5), default="")
    quiet_until: Mapped[str] = mapped_column(String(5), default="")
    quiet_errors: Mapped[bool] = mapped_column(default=False)
    digest: Mapped[str] = mapped_column(String(10), default=AT_ONCE)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name or self.target


class AlertNotice(HasId, Base):
    """One notice by one way, and whether sending it worked; `lease_token` names the job that is sending it.

    `stages` is how far the last try came. `fallback` says that it goes this way because others failed. What left
    in one piece, or tells the same by several ways, has the same `telling`.
    """

    __tablename__ = "alert_notices"
    __table_args__ = (Index("ix_alert_notices_due", "state", "next_attempt_at"),)

    workspace_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    alert_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"), index=True)
    route_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("alert_routes.id", ondelete="SET NULL"), index=True)
    event: Mapped[str] = mapped_column(String(10))
    channel: Mapped[str] = mapped_column(String(20), default="email")
    target: Mapped[str] = mapped_column(String(254))
    state: Mapped[str] = mapped_column(String(10), default=PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    stages: Mapped[list[Any]] = mapped_column(default=list)  # [{name, label, state, milliseconds}]
    fallback: Mapped[bool] = mapped_column(default=False)
    telling: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    next_attempt_at: Mapped[datetime] = mapped_column(default=utcnow)
    sent_at: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None]
    possible_duplicate: Mapped[bool] = mapped_column(default=False)

    alert: Mapped[Alert | None] = relationship(viewonly=True)
    route: Mapped[AlertRoute | None] = relationship(viewonly=True)
