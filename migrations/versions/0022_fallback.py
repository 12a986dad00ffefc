"""A setup that carries the mail of another one while that is broken.

Both columns are plain ids: SQLite would copy whole tables for a foreign key, and a setup that is gone carries nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbound_configs", sa.Column("fallback_id", sa.Uuid(), nullable=True))
    op.add_column("messages", sa.Column("rerouted_from_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_messages_rerouted",
        "messages",
        ["rerouted_from_id", "status", "finished_at"],
        sqlite_where=sa.text("rerouted_from_id IS NOT NULL"),
        postgresql_where=sa.text("rerouted_from_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_messages_rerouted", table_name="messages")
    op.drop_column("messages", "rerouted_from_id")
    op.drop_column("outbound_configs", "fallback_id")
