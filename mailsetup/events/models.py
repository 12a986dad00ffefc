"""Addresses of product code that are called, and each event that is or was on its way to one of them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from mailsetup.core.clock import utcnow
from mailsetup.core.db import Base, HasId

PENDING, SENT, FAILED = "pending", "sent", "failed"
STATES = (PENDING, SENT, FAILED)
_PENDING_ONLY = text("state = 'pending'")


class EventEndpoint(HasId, Base):
    """One address of product code, what it wants to hear, and how calling it goes.

    It is never deleted, only marked, so that an event written at the same moment has somewhere to belong.
    """

    __tablename__ = "event_endpoints"
    __table_args__ = (Index("ix_event_endpoints_workspace", "workspace_id"),)

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120))
    url: Mapped[str] = mapped_column(String(2000))
    types: Mapped[list[Any]] = mapped_column(default=list)
    sealed_secret: Mapped[str] = mapped_column(Text)
    secret_version: Mapped[int] = mapped_column(default=1)
    old_sealed_secret: Mapped[str | None] = mapped_column(Text)  # signs beside the new one for a day
    old_secret_until: Mapped[datetime | None]
    active: Mapped[bool] = mapped_column(default=True)
    stopped_because: Mapped[str] = mapped_column(String(300), default="")
    failures_in_row: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    blocked_until: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(Text, default="")
    last_sent_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    deleted_at: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None]

    @property
    def state(self) -> str:
        """For the page: active, paused or failing."""
        if not self.active:
            return "paused"
        return "failing" if self.failing_since else "active"


class EventDelivery(HasId, Base):
    """One event for one endpoint. Its id goes along with each try; events about one `subject` keep their order."""

    __tablename__ = "event_deliveries"
    __table_args__ = (
        Index(
            "ix_event_deliveries_due",
            "endpoint_id",
            "next_attempt_at",
            sqlite_where=_PENDING_ONLY,
            postgresql_where=_PENDING_ONLY,
        ),
        Index(
            "ix_event_deliveries_order",
            "endpoint_id",
            "subject",
            "id",
            sqlite_where=_PENDING_ONLY,
            postgresql_where=_PENDING_ONLY,
        ),
        Index("ix_event_deliveries_page", "endpoint_id", "id"),
    )

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    endpoint_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("event_endpoints.id", ondelete="CASCADE"))
    type: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(80))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default=PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
    status: Mapped[int | None]  # of the last answer
    words: Mapped[str] = mapped_column(Text, default="")  # what came of the last try
    quote: Mapped[str] = mapped_column(Text, default="")  # what the receiver said

    @property
    def webhook_id(self) -> str:
        """The id the receiver sees, the same at each try (Standard Webhooks: `webhook-id`)."""
        return f"evt_{self.id.hex}"
