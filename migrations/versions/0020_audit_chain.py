"""The audit trail as a chain that is only added to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mailsetup.core.raw_sql import allow_changes, forbid_changes

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None
TABLE = "audit_events"
POINTERS = {"actor_id": ("users", "SET NULL"), "workspace_id": ("workspaces", "CASCADE")}


def upgrade() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.Column("wrapped", sa.String(length=400), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_audit_heads")),
    )
    with op.batch_alter_table(TABLE) as batch_op:
        batch_op.add_column(sa.Column("number", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("mark", sa.String(length=64), nullable=False, server_default=""))
        for column, (table, _) in POINTERS.items():
            batch_op.drop_constraint(f"fk_{TABLE}_{column}_{table}", type_="foreignkey")
        batch_op.create_unique_constraint(op.f(f"uq_{TABLE}_workspace_id_number"), ["workspace_id", "number"])
    with op.batch_alter_table(TABLE) as batch_op:
        batch_op.alter_column("mark", server_default=None)
    forbid_changes(op.get_bind(), TABLE)


def downgrade() -> None:
    allow_changes(op.get_bind(), TABLE)
    with op.batch_alter_table(TABLE) as batch_op:
        batch_op.drop_constraint(op.f(f"uq_{TABLE}_workspace_id_number"), type_="unique")
        for column, (table, gone) in POINTERS.items():
            batch_op.create_foreign_key(f"fk_{TABLE}_{column}_{table}", table, [column], ["id"], ondelete=gone)
        batch_op.drop_column("mark")
        batch_op.drop_column("number")
    op.drop_table("audit_heads")
