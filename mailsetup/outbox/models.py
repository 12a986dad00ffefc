"""Queued mail and each try at it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mailsetup.core.clock import utcnow
from mailsetup.core.db import Base, HasId

QUEUED, CLAIMED, SENDING, SENT = "queued", "claimed", "sending", "sent"
FAILED, EXPIRED, CANCELLED, UNKNOWN = "failed", "expired", "cancelled", "unknown"
STATUSES = (QUEUED, CLAIMED, SENDING, SENT, FAILED, EXPIRED, CANCELLED, UNKNOWN)
TERMINAL = (SENT, FAILED, EXPIRED, CANCELLED)
PRIORITIES = {"high": 0, "normal": 5, "bulk": 9}


class Message(HasId, Base):
    """A queued mail: where it stands, when it is due, whose lease it is under."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("workspace_id", "idempotency_key"),
        Index("ix_messages_due", "config_id", "status", "priority", "next_attempt_at"),
        Index("ix_messages_lease", "status", "lease_until"),
        Index("ix_messages_page", "workspace_id", "id"),
        Index("ix_messages_state_page", "workspace_id", "status", "id"),
    )

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    config_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("outbound_configs.id", ondelete="SET NULL"))
    status: Mapped[str] = mapped_column(String(10), default=QUEUED)
    priority: Mapped[int] = mapped_column(default=PRIORITIES["normal"])
    next_attempt_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    attempt_count: Mapped[int] = mapped_column(default=0)
    crash_count: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None]
    possible_duplicate: Mapped[bool] = mapped_column(default=False)
    message_id: Mapped[str] = mapped_column(String(400), default="")  # the Message-ID header
    from_address: Mapped[str] = mapped_column(String(254), default="")
    envelope_sender: Mapped[str] = mapped_column(String(254), default="")
    recipients: Mapped[list[Any]] = mapped_column(default=list)  # [{address, state, code, text}]
    recipients_text: Mapped[str] = mapped_column(Text, default="")
    subject: Mapped[str] = mapped_column(String(998), default="")
    size: Mapped[int] = mapped_column(default=0)
    frozen: Mapped[bool] = mapped_column(default=False)
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    request_hash: Mapped[str] = mapped_column(String(64), default="")
    message_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict)
    service_id: Mapped[str] = mapped_column(String(400), default="")
    last_explanation: Mapped[dict[str, Any] | None]
    created_by: Mapped[str] = mapped_column(String(120), default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]

    attempts: Mapped[list[DeliveryAttempt]] = relationship(order_by="DeliveryAttempt.number", viewonly=True)


class MessageBody(Base):
    """The sealed bytes of a message, apart from the row so that the hot path stays small."""

    __tablename__ = "message_bodies"

    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class DeliveryAttempt(HasId, Base):
    """One try at a message: when, which stage it reached, what the service said."""

    __tablename__ = "delivery_attempts"
    __table_args__ = (UniqueConstraint("message_id", "number"),)

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    config_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("outbound_configs.id", ondelete="SET NULL"))
    number: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(String(20), default="")  # sent, deferred, failed, unknown, released
    stage: Mapped[str] = mapped_column(String(20), default="")
    code: Mapped[str] = mapped_column(String(80), default="")
    answer: Mapped[str] = mapped_column(Text, default="")
    explanation: Mapped[dict[str, Any] | None]
    service_id: Mapped[str] = mapped_column(String(400), default="")
