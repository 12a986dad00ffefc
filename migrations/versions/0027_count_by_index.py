"""What waits is counted by the index alone, under row-level security too."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    index_anew(postgresql_include=["workspace_id"])


def downgrade() -> None:
    index_anew()


def index_anew(**options: Any) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.drop_index("ix_messages_due", table_name="messages")
    op.create_index(
        "ix_messages_due",
        "messages",
        ["config_id", "priority", "next_attempt_at"],
        postgresql_where=sa.text("status = 'queued'"),
        **options,
    )
