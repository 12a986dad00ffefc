"""A workspace's data key has a name, and the one of before may stay beside it for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("workspace_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("key_id", sa.String(length=10), nullable=False, server_default="dk1"))
    op.create_table(
        "old_workspace_keys",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("wrapped", sa.String(length=400), nullable=False),
        sa.Column("key_id", sa.String(length=10), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="fk_old_workspace_keys_workspace_id_workspaces",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_old_workspace_keys"),
    )


def downgrade() -> None:
    op.drop_table("old_workspace_keys")
    with op.batch_alter_table("workspace_keys", schema=None) as batch_op:
        batch_op.drop_column("key_id")
