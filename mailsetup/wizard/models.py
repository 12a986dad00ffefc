"""Unfinished wizard answers."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from mailsetup.core.clock import utcnow
from mailsetup.core.db import Base, HasId


class SetupDraft(HasId, Base):
    """Answers given so far, as they were typed, for a new setup or for changes to `config_id`; holds no secret."""

    __tablename__ = "setup_drafts"

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    config_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("outbound_configs.id", ondelete="CASCADE"))
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(String(120), default="")
    kind: Mapped[str] = mapped_column(String(60), default="")
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    credential_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("credentials.id", ondelete="SET NULL"))
    alerts_address: Mapped[str] = mapped_column(String(254), default="")
    recipient: Mapped[str] = mapped_column(String(254), default="")
    test_run_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("test_runs.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class ConsentFlow(HasId, Base):
    """A person on the way to Microsoft and back: found by the hash of `state`, used once, ten minutes long."""

    __tablename__ = "consent_flows"

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    draft_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("setup_drafts.id", ondelete="CASCADE"))
    credential_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("credentials.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(String(20))  # sign_in, admin_consent
    state_hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser_hash: Mapped[str] = mapped_column(String(64))  # of a random value in the session the person left with
    sealed: Mapped[str] = mapped_column(Text)  # verifier, nonce and what the credential will be made of
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]


class Handover(HasId, Base):
    """A link for the customer's Microsoft admin, who needs no account here, and how far they are.

    Only the hash of the link's secret is kept; the row, and the link with it, ends with its draft.
    """

    __tablename__ = "handovers"

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    draft_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("setup_drafts.id", ondelete="CASCADE"), unique=True)
    kind: Mapped[str] = mapped_column(String(60))
    credential_type: Mapped[str] = mapped_column(String(60), default="microsoft_app")  # what the admin prepares
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    credential_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("credentials.id", ondelete="SET NULL"))
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    consented_at: Mapped[datetime | None]
    proved_at: Mapped[datetime | None]  # a token was got, which proves tenant, app and certificate
    proved_tenant: Mapped[str] = mapped_column(String(100), default="")
    claimed_tenant: Mapped[str] = mapped_column(String(100), default="")  # as Microsoft's answer says; proves nothing
    object_id: Mapped[str] = mapped_column(String(100), default="")  # of the enterprise app, as that token names it
    granted: Mapped[str] = mapped_column(String(400), default="")  # the permissions that token names
    state_hash: Mapped[str] = mapped_column(String(64), default="")  # of the way to Microsoft and back, used once
