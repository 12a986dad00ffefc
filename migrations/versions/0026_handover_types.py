"""Hand-over links for every kind that needs a Microsoft admin."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

NEW = (("credential_type", 60, "microsoft_app"), ("claimed_tenant", 100, ""), ("object_id", 100, ""))


def upgrade() -> None:
    with op.batch_alter_table("handovers") as table:
        for name, length, default in NEW:
            table.add_column(sa.Column(name, sa.String(length=length), nullable=False, server_default=default))
    with op.batch_alter_table("handovers") as table:
        for name, _length, _default in NEW:
            table.alter_column(name, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("handovers") as table:
        for name, _length, _default in reversed(NEW):
            table.drop_column(name)
