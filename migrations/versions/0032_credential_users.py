"""Who may use a credential in a setup without being able to change it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("credentials", sa.Column("open_to", sa.String(length=10), nullable=False, server_default="admins"))
    op.create_table(
        "credential_users",
        sa.Column("credential_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"],
            ["credentials.id"],
            name="fk_credential_users_credential_id_credentials",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["members.id"], name="fk_credential_users_member_id_members", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_credential_users_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("credential_id", "member_id", name="pk_credential_users"),
    )
    op.create_index("ix_credential_users_member_id", "credential_users", ["member_id"])


def downgrade() -> None:
    op.drop_table("credential_users")
    op.drop_column("credentials", "open_to")
