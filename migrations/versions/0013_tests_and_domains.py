"""How far a test goes, who ran it, what became of its mail; and what the DNS says of a sender's domain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TEXTS = {"message_id": 300, "worker": 120, "arrived": 10}


def upgrade() -> None:
    with op.batch_alter_table("test_runs", schema=None) as runs:
        runs.add_column(sa.Column("check_only", sa.Boolean(), nullable=False, server_default=sa.false()))
        for name, length in TEXTS.items():
            runs.add_column(sa.Column(name, sa.String(length=length), nullable=False, server_default=""))
        runs.add_column(sa.Column("worker_since", sa.DateTime(timezone=True), nullable=True))
        runs.add_column(sa.Column("arrival", sa.JSON(), nullable=True))
    op.create_table(
        "domain_reports",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_domain_reports_workspace_id_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domain_reports")),
        sa.UniqueConstraint("workspace_id", "domain", "host", name=op.f("uq_domain_reports_workspace_id_domain_host")),
    )


def downgrade() -> None:
    op.drop_table("domain_reports")
    with op.batch_alter_table("test_runs", schema=None) as runs:
        for name in ("arrival", "worker_since", *reversed(TEXTS), "check_only"):
            runs.drop_column(name)
