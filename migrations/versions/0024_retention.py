"""What a workspace keeps for a shorter time than usual."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "retention_rules",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("done_until", MOMENT, nullable=True),
        sa.Column("look_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="fk_retention_rules_workspace_id_workspaces",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "subject", name="pk_retention_rules"),
    )
    op.create_index("ix_retention_rules_look_at", "retention_rules", ["look_at"])


def downgrade() -> None:
    op.drop_table("retention_rules")
