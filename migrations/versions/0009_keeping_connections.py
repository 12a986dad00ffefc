"""Keeping connections alive: when to renew, what ends when, and who follows it in a calendar."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("credential_tokens", sa.Column("renew_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("credential_tokens", sa.Column("claims", sa.Text(), nullable=True))
    op.add_column("credential_versions", sa.Column("expires_on", sa.Date(), nullable=True))
    op.add_column("credential_versions", sa.Column("tested_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "expiry_notices",
        sa.Column("workspace_id", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_expiry_notices_workspace_id_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expiry_notices")),
        sa.UniqueConstraint("subject", "ends_on", "days", name=op.f("uq_expiry_notices_subject_ends_on_days")),
    )
    op.create_table(
        "calendar_feeds",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["users.id"], name=op.f("fk_calendar_feeds_created_by_id_users"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_calendar_feeds_workspace_id_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feeds")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_calendar_feeds_secret_hash")),
        sa.UniqueConstraint("workspace_id", name=op.f("uq_calendar_feeds_workspace_id")),
    )


def downgrade() -> None:
    op.drop_table("calendar_feeds")
    op.drop_table("expiry_notices")
    op.drop_column("credential_versions", "tested_at")
    op.drop_column("credential_versions", "expires_on")
    op.drop_column("credential_tokens", "claims")
    op.drop_column("credential_tokens", "renew_at")
