"""Saved setups."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mailsetup.core.clock import utcnow
from mailsetup.core.db import Base, HasId
from mailsetup.credentials.models import Credential

UNVERIFIED, HEALTHY, DEGRADED, BROKEN, PAUSED = "unverified", "healthy", "degraded", "broken", "paused"
SENDING_STATES = (HEALTHY, DEGRADED)


class OutboundConfig(HasId, Base):
    """A saved setup: kind, settings, credential, where alerts go, and its health."""

    __tablename__ = "outbound_configs"
    __table_args__ = (
        UniqueConstraint("workspace_id", "name"),
        Index("ix_outbound_configs_probe", "health", "next_probe_at"),
    )

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(60))
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    from_address: Mapped[str] = mapped_column(String(254))
    credential_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("credentials.id", ondelete="RESTRICT"), index=True
    )
    alerts_address: Mapped[str] = mapped_column(String(254))
    is_default: Mapped[bool] = mapped_column(default=False)
    unknown_policy: Mapped[str] = mapped_column(String(10), default="resend")  # resend, hold
    fallback_id: Mapped[uuid.UUID | None]  # the setup that carries its mail while it is broken; may be gone
    health: Mapped[str] = mapped_column(String(12), default=UNVERIFIED)
    health_cause: Mapped[str] = mapped_column(String(80), default="")
    health_reason: Mapped[str] = mapped_column(Text, default="")
    health_since: Mapped[datetime] = mapped_column(default=utcnow)
    explanation: Mapped[dict[str, Any]] = mapped_column(default=dict)
    failures_in_row: Mapped[int] = mapped_column(default=0)
    blocked_until: Mapped[datetime | None]  # the service asked us to wait (Retry-After)
    next_probe_at: Mapped[datetime | None]
    probes_in_row: Mapped[int] = mapped_column(default=0)
    stopped_version: Mapped[int | None]  # the credential's version when mail stopped: a newer one is worth a probe
    mailbox_key: Mapped[str] = mapped_column(String(64), default="", index=True)  # whose limits count
    host_key: Mapped[str] = mapped_column(String(300), default="", index=True)  # which server's circuit counts
    limit_per_minute: Mapped[int | None]
    limit_connections: Mapped[int | None]
    limit_recipients: Mapped[int | None]  # in 24 hours
    refusals_in_row: Mapped[int] = mapped_column(default=0)  # mails refused for good since the last accepted one
    moved_from: Mapped[dict[str, Any]] = mapped_column(default=dict)  # kind, settings and credential of before
    tested_at: Mapped[datetime | None]
    tested_fingerprint: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    credential: Mapped[Credential | None] = relationship(lazy="joined")

    @property
    def sends(self) -> bool:
        """Whether mail leaves through this setup now."""
        return self.health in SENDING_STATES


class CredentialBinding(HasId, Base):
    """The server a typed password was given for: that version of it goes nowhere else."""

    __tablename__ = "credential_bindings"
    __table_args__ = (UniqueConstraint("credential_id", "version"),)

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    credential_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("credentials.id", ondelete="CASCADE"))
    version: Mapped[int]
    target: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class Mailbox(Base):
    """What everybody who sends through one mailbox shares; `key` is a digest, so it names nobody."""

    __tablename__ = "mailboxes"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    minute: Mapped[list[Any]] = mapped_column(default=list)  # [[from, mails]], see `pace`
    day: Mapped[list[Any]] = mapped_column(default=list)  # [[from, recipients]]
    paused_until: Mapped[datetime | None]
    pause_reason: Mapped[str] = mapped_column(String(10), default="")  # asked, minute, day
    lanes: Mapped[int | None]  # connections at once, while the service wants fewer
    lanes_until: Mapped[datetime | None]
    used_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)


class MailboxLane(Base):
    """One open connection to a mailbox, of whichever worker; over when nobody renews it."""

    __tablename__ = "mailbox_lanes"

    lane: Mapped[str] = mapped_column(String(32), primary_key=True)
    mailbox_key: Mapped[str] = mapped_column(String(64), index=True)
    until: Mapped[datetime]


class MailHost(Base):
    """A mail server that does not answer, whoever sends through it; there is no row for one that does."""

    __tablename__ = "mail_hosts"

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)  # in a row, of setups in turn
    last_config_id: Mapped[uuid.UUID]
    away_since: Mapped[datetime] = mapped_column(default=utcnow)
    paused_until: Mapped[datetime | None]
    error: Mapped[dict[str, Any]] = mapped_column(default=dict)


class AppCheck(HasId, Base):
    """What an app may do by its token, and whether it is refused at a mailbox that it must not send as."""

    __tablename__ = "app_checks"

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    credential_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("credentials.id", ondelete="CASCADE"), unique=True)
    kind: Mapped[str] = mapped_column(String(60), default="")
    granted: Mapped[str] = mapped_column(String(400), default="")
    object_id: Mapped[str] = mapped_column(String(100), default="")
    version: Mapped[int] = mapped_column(default=0)  # of the credential that was asked about last
    failure: Mapped[dict[str, Any]] = mapped_column(default=dict)  # why Microsoft refused; empty after a token
    answered_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]  # the last time that there was a token
    tried_at: Mapped[datetime | None]
    control_mailbox: Mapped[str] = mapped_column(String(254), default="")
    control_state: Mapped[str] = mapped_column(String(20), default="")
    control_at: Mapped[datetime | None]
