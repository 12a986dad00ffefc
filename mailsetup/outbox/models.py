"""Queued mail and each try at it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Table, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mailsetup.core.clock import utcnow
from mailsetup.core.db import Base, HasId

QUEUED, CLAIMED, SENDING, SENT = "queued", "claimed", "sending", "sent"
FAILED, EXPIRED, CANCELLED, UNKNOWN = "failed", "expired", "cancelled", "unknown"
STATUSES = (QUEUED, CLAIMED, SENDING, SENT, FAILED, EXPIRED, CANCELLED, UNKNOWN)
TERMINAL = (SENT, FAILED, EXPIRED, CANCELLED)
IN_FLIGHT = (QUEUED, CLAIMED, SENDING, UNKNOWN)
PRIORITIES = {"high": 0, "normal": 5, "bulk": 9}

# What became of one recipient.
WAITING, ACCEPTED, REFUSED = "waiting", "accepted", "refused"


def _partial(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class Message(HasId, Base):
    """A queued mail: where it stands, when it is due, whose lease it is under."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("workspace_id", "idempotency_key"),
        Index(
            "ix_messages_due",
            "config_id",
            "priority",
            "next_attempt_at",
            sqlite_where=text("status = 'queued'"),
            postgresql_where=text("status = 'queued'"),
            # The wall between workspaces asks for it: so counting what waits reads the index alone.
            postgresql_include=["workspace_id"],
        ),
        _partial("ix_messages_expiry", "expires_at", where="status = 'queued'"),
        _partial("ix_messages_lease", "lease_until", where="status IN ('claimed', 'sending')"),
        _partial("ix_messages_ended", "workspace_id", "finished_at", "status", where="finished_at IS NOT NULL"),
        _partial(
            "ix_messages_rerouted",
            "rerouted_from_id",
            "status",
            "finished_at",
            where="rerouted_from_id IS NOT NULL",
        ),
        Index("ix_messages_page", "workspace_id", "id"),
        Index("ix_messages_state_page", "workspace_id", "status", "id"),
    )

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    config_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("outbound_configs.id", ondelete="SET NULL"))
    rerouted_from_id: Mapped[uuid.UUID | None]  # the broken setup that it was queued for; may be gone
    status: Mapped[str] = mapped_column(String(10), default=QUEUED)
    priority: Mapped[int] = mapped_column(default=PRIORITIES["normal"])
    next_attempt_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    attempt_count: Mapped[int] = mapped_column(default=0)  # tries so far, numbers the attempts
    retry_step: Mapped[int] = mapped_column(default=0)  # failures this mail itself was charged with
    crash_count: Mapped[int] = mapped_column(default=0)  # workers that died while they held it
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
    # What a service that can look mail up named it before it was accepted; empty while it has no name yet.
    handle: Mapped[str | None] = mapped_column(String(400))
    last_explanation: Mapped[dict[str, Any] | None]
    created_by: Mapped[str] = mapped_column(String(254), default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]

    attempts: Mapped[list[DeliveryAttempt]] = relationship(order_by="DeliveryAttempt.number", viewonly=True)

    @property
    def priority_name(self) -> str:
        """The priority as product code names it."""
        return next((name for name, value in PRIORITIES.items() if value == self.priority), "normal")


class MessageBody(Base):
    """The sealed bytes of a message, apart from the row so that the hot path stays small."""

    __tablename__ = "message_bodies"

    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class DeliveryAttempt(HasId, Base):
    """One try at a message: when, which stage it reached, what the service said."""

    __tablename__ = "delivery_attempts"
    __table_args__ = (
        UniqueConstraint("message_id", "number"),
        Index("ix_delivery_attempts_pace", "config_id", "started_at"),
    )

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    config_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("outbound_configs.id", ondelete="SET NULL"))
    number: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(String(20), default="")  # sent, deferred, failed, unknown; "" while it runs
    stage: Mapped[str] = mapped_column(String(20), default="")
    code: Mapped[str] = mapped_column(String(80), default="")
    answer: Mapped[str] = mapped_column(Text, default="")
    explanation: Mapped[dict[str, Any] | None]
    service_id: Mapped[str] = mapped_column(String(400), default="")


class MailHour(Base):
    """How many mails of a workspace ended in one hour (`hours.py` says when it is counted)."""

    __tablename__ = "mail_hours"

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    accepted: Mapped[int]
    failed: Mapped[int]


class Mark(Base):
    """Until when something that is done piece by piece has been done."""

    __tablename__ = "marks"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    until: Mapped[datetime]


# For the hot path, which writes without the unit of work.
messages, attempts, message_bodies = (
    cast("Table", model.__table__) for model in (Message, DeliveryAttempt, MessageBody)
)
