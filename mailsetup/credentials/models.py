"""Credentials: the only tables that hold a mail secret."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mailsetup.core.clock import utcnow
from mailsetup.core.db import Base, HasId
from mailsetup.workspaces.models import User


class Credential(HasId, Base):
    """A named secret of one workspace, reusable by several setups.

    Setups follow `version`; `revision` counts every edit, so that nobody overwrites what they have not seen.
    """

    __tablename__ = "credentials"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(Text, default="")
    type: Mapped[str] = mapped_column(String(40))
    version: Mapped[int] = mapped_column(default=1)
    revision: Mapped[int] = mapped_column(default=1)
    expires_on: Mapped[date | None]
    expiry_note: Mapped[str] = mapped_column(String(400), default="")
    open_to: Mapped[str] = mapped_column(String(10), default="admins", server_default="admins")  # see rights.py
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    updated_by: Mapped[User | None] = relationship(lazy="joined")


class CredentialUser(Base):
    """A member who may use the credential in a setup without being able to change it."""

    __tablename__ = "credential_users"

    credential_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("credentials.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("members.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))


class CredentialVersion(HasId, Base):
    """One state of a credential: public facts in clear, `sealed` holds a JSON object of its secrets.

    `secret_names` says which secrets are inside, so that pages need not open it. One version may be ahead of the
    credential's own: it was added for a rotation, and counts from the day it is promoted.
    """

    __tablename__ = "credential_versions"
    __table_args__ = (UniqueConstraint("credential_id", "version"),)

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    credential_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("credentials.id", ondelete="CASCADE"))
    version: Mapped[int]
    public: Mapped[dict[str, Any]] = mapped_column(default=dict)
    secret_names: Mapped[list[Any]] = mapped_column(default=list)
    sealed: Mapped[str] = mapped_column(Text)
    expires_on: Mapped[date | None]  # of a version that waits to be promoted
    tested_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class CredentialToken(HasId, Base):
    """The sealed MSAL token cache of one credential version; `revision` is the compare-and-swap guard.

    Before `renew_at` the scheduler leaves it alone; `claims` is what Microsoft demanded of the next sign-in.
    """

    __tablename__ = "credential_tokens"
    __table_args__ = (UniqueConstraint("credential_id", "version"),)

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    credential_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("credentials.id", ondelete="CASCADE"))
    version: Mapped[int]
    revision: Mapped[int] = mapped_column(default=1)
    sealed: Mapped[str] = mapped_column(Text)
    access_expires_at: Mapped[datetime | None]
    refreshed_at: Mapped[datetime] = mapped_column(default=utcnow)
    lock_token: Mapped[str | None] = mapped_column(String(40))
    lock_until: Mapped[datetime | None]
    renew_at: Mapped[datetime | None]
    claims: Mapped[str | None] = mapped_column(Text)


class ExpiryNotice(HasId, Base):
    """That somebody was told, so many days ahead, of this end of this thing: each notice goes out once.

    The operator's own app belongs to no workspace.
    """

    __tablename__ = "expiry_notices"
    __table_args__ = (UniqueConstraint("subject", "ends_on", "days"),)

    workspace_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    subject: Mapped[str] = mapped_column(String(120))
    ends_on: Mapped[date]
    days: Mapped[int]
    told_at: Mapped[datetime] = mapped_column(default=utcnow)


class CalendarFeed(HasId, Base):
    """The secret address of a workspace's calendar of last days; only the hash of the secret is kept."""

    __tablename__ = "calendar_feeds"
    __table_args__ = (UniqueConstraint("workspace_id"),)

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    read_at: Mapped[datetime | None]
