"""What a setup was before its kind changed, to switch back to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("outbound_configs") as table:
        table.add_column(sa.Column("moved_from", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    with op.batch_alter_table("outbound_configs") as table:
        table.drop_column("moved_from")
