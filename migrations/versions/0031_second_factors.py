"""A second factor of a person, recovery codes, and workspaces that want one from everybody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "second_factors",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("wrapped", sa.String(length=400), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_second_factors_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name="pk_second_factors"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_recovery_codes_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_codes"),
        sa.UniqueConstraint("code_hash", name="uq_recovery_codes_code_hash"),
    )
    op.create_index("ix_recovery_codes_user_id", "recovery_codes", ["user_id"])
    op.add_column("user_sessions", sa.Column("pending", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("user_sessions", sa.Column("strong", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("user_sessions", sa.Column("wrong_codes", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "workspaces", sa.Column("second_factor_required", sa.Boolean(), server_default=sa.false(), nullable=False)
    )


def downgrade() -> None:
    for table, columns in {
        "workspaces": ("second_factor_required",),
        "user_sessions": ("wrong_codes", "strong", "pending"),
    }.items():
        for column in columns:
            op.drop_column(table, column)
    op.drop_table("recovery_codes")
    op.drop_table("second_factors")
