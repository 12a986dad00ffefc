"""Users, workspaces and who belongs where."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mailsetup.core.clock import utcnow
from mailsetup.core.db import Base, HasId

OWNER, ADMIN, MEMBER = "owner", "admin", "member"
ROLES = (OWNER, ADMIN, MEMBER)


class User(HasId, Base):
    """A person who signs in."""

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str] = mapped_column(String(200))
    locale: Mapped[str] = mapped_column(String(20), default="")
    timezone: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_sign_in_at: Mapped[datetime | None]


class UserSession(HasId, Base):
    """One browser in which somebody is signed in; the cookie holds a random token, here is only its hash."""

    __tablename__ = "user_sessions"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser: Mapped[str] = mapped_column(String(80), default="")
    address: Mapped[str] = mapped_column(String(45), default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    seen_at: Mapped[datetime] = mapped_column(default=utcnow)
    proved_at: Mapped[datetime] = mapped_column(default=utcnow)  # when the person last proved who they are
    expires_at: Mapped[datetime] = mapped_column(index=True)
    pending: Mapped[bool] = mapped_column(default=False, server_default=false())  # the second factor is still to come
    strong: Mapped[bool] = mapped_column(default=False, server_default=false())  # a second factor was shown
    wrong_codes: Mapped[int] = mapped_column(default=0, server_default="0")

    user: Mapped[User] = relationship(lazy="joined")


class SecondFactor(Base):
    """What a person's authenticator app shows codes from; on once a first code proved that the app has it."""

    __tablename__ = "second_factors"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    wrapped: Mapped[str] = mapped_column(String(400))  # the shared secret, under a master key of the ring
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)  # no code of this time step or before works again
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    confirmed_at: Mapped[datetime | None]


class RecoveryCode(HasId, Base):
    """A code for who has lost the authenticator app: works once, only its hash is kept."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    used_at: Mapped[datetime | None]


class Identity(HasId, Base):
    """An account of a person elsewhere that signs them in here: known by issuer and subject, never by address."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    issuer_key: Mapped[str] = mapped_column(String(30))  # which of the configured issuers asks for it
    issuer: Mapped[str] = mapped_column(String(400))
    subject: Mapped[str] = mapped_column(String(255))
    label: Mapped[str] = mapped_column(String(200), default="")  # for people to read; proves nothing
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_used_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="joined")


class SignInFlow(HasId, Base):
    """A person on the way to an issuer and back: found by the hash of `state`, used once, ten minutes long."""

    __tablename__ = "sign_in_flows"

    issuer_key: Mapped[str] = mapped_column(String(30))
    purpose: Mapped[str] = mapped_column(String(20))
    state_hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser_hash: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    invitation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("invitations.id", ondelete="CASCADE"))
    way_back: Mapped[str] = mapped_column(String(2000), default="/")
    strong: Mapped[bool] = mapped_column(default=False)  # a second factor was shown before leaving
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]


class Workspace(HasId, Base):
    """A customer. Everything else belongs to one."""

    __tablename__ = "workspaces"

    name: Mapped[str] = mapped_column(String(200))
    timezone: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    second_factor_required: Mapped[bool] = mapped_column(default=False, server_default=false())


class WorkspaceKey(Base):
    """The workspace's data key, wrapped by a master key of the ring."""

    __tablename__ = "workspace_keys"

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    wrapped: Mapped[str] = mapped_column(String(400))
    key_id: Mapped[str] = mapped_column(String(10), default="dk1", server_default="dk1")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class OldWorkspaceKey(Base):
    """The data key of before, as long as something is still sealed with it: it opens and seals no more."""

    __tablename__ = "old_workspace_keys"

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    wrapped: Mapped[str] = mapped_column(String(400))
    key_id: Mapped[str] = mapped_column(String(10))
    replaced_at: Mapped[datetime] = mapped_column(default=utcnow)


class RetentionRule(Base):
    """A workspace keeps one class of its data for fewer days than usual; `done_until` is how far that was seen to."""

    __tablename__ = "retention_rules"

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(20), primary_key=True)
    days: Mapped[int]
    done_until: Mapped[datetime | None]
    look_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)


class WorkspaceQuota(Base):
    """The operator lets a workspace have more, or less, of something than the settings say (quotas.py)."""

    __tablename__ = "workspace_quotas"

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(20), primary_key=True)
    number: Mapped[int]


class Member(HasId, Base):
    """A user's place in a workspace: owner, admin, or member (sees; may build setups with what is open to them)."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("workspace_id", "user_id"),)

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    user: Mapped[User] = relationship(lazy="joined")
    workspace: Mapped[Workspace] = relationship(lazy="joined")


class Invitation(HasId, Base):
    """A link that makes whoever opens it signed in a member; single use, only its hash is kept."""

    __tablename__ = "invitations"

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[str] = mapped_column(String(10))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    invited_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    by_operator: Mapped[bool] = mapped_column(default=False)  # made on the server: may become an operator's account
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    workspace: Mapped[Workspace] = relationship(lazy="joined")
    invited_by: Mapped[User | None] = relationship(lazy="joined")


class Letter(HasId, Base):
    """A mail to a person about their account, and the single-use link in it; see letters.py."""

    __tablename__ = "letters"

    purpose: Mapped[str] = mapped_column(String(20))
    email: Mapped[str] = mapped_column(String(254), index=True)
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    invitation_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("invitations.id", ondelete="CASCADE"), index=True
    )
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    silent: Mapped[bool] = mapped_column(default=False)  # sent to nobody, so that nobody learns who has an account
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    sent_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]


class AuditEvent(HasId, Base):
    """Who did what to which row, and when. Written only by `audit.record`; the database refuses every change.

    It outlives the workspace and the person it names, so it points to neither. `number` and `mark` are its place in the
    workspace's chain (audit_chain.py); events from before there were chains have none.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_workspace_time", "workspace_id", "created_at"),
        UniqueConstraint("workspace_id", "number"),
    )

    workspace_id: Mapped[uuid.UUID]
    actor_id: Mapped[uuid.UUID | None]
    actor_label: Mapped[str] = mapped_column(String(254))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(200))
    subject_id: Mapped[str] = mapped_column(String(40), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    number: Mapped[int | None]
    mark: Mapped[str] = mapped_column(String(64), default="")


class AuditHead(Base):
    """Where the chain of a workspace's audit trail ends; `wrapped` is the key of its marks, under a master key."""

    __tablename__ = "audit_heads"

    workspace_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int]
    mark: Mapped[str] = mapped_column(String(64))
    seal: Mapped[str] = mapped_column(String(64))
    wrapped: Mapped[str] = mapped_column(String(400))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
