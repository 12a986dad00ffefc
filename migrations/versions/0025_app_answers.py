"""What Microsoft answered when it was asked about an app, refusals too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("app_checks") as table:
        table.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("failure", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("app_checks") as table:
        table.alter_column("version", server_default=None)
        table.alter_column("failure", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("app_checks") as table:
        for name in ("failure", "answered_at", "version"):
            table.drop_column(name)
