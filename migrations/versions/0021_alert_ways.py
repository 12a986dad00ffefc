"""Ways by which alerts are told, what goes which way, and alerts that concern the whole installation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
OPEN_FOR_ALL = sa.text("resolved_at IS NULL AND workspace_id IS NULL")


def text_column(name: str, length: int, default: str = "") -> sa.Column[str]:
    # The default in the database is for processes that still run the code of before.
    return sa.Column(name, sa.String(length=length), nullable=False, server_default=default)


def yes_or_no(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())


def listed(name: str) -> sa.Column[list[str]]:
    return sa.Column(name, sa.JSON(), nullable=False, server_default="[]")


def upgrade() -> None:
    with op.batch_alter_table("workspaces", schema=None) as batch_op:
        batch_op.add_column(text_column("timezone", 60))
    widen_alerts()
    widen_routes()
    widen_notices()


def widen_alerts() -> None:
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.alter_column("workspace_id", existing_type=sa.Uuid(), nullable=True)
        batch_op.add_column(sa.Column("depth", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("acknowledged_at", MOMENT, nullable=True))
        batch_op.add_column(text_column("acknowledged_by", 254))
        batch_op.add_column(sa.Column("snoozed_until", MOMENT, nullable=True))
        batch_op.create_index(
            "uq_alerts_open_for_all",
            ["subject_key", "cause"],
            unique=True,
            sqlite_where=OPEN_FOR_ALL,
            postgresql_where=OPEN_FOR_ALL,
        )


def widen_routes() -> None:
    with op.batch_alter_table("alert_routes", schema=None) as batch_op:
        for column in (
            text_column("name", 80),
            sa.Column("sealed", sa.Text(), nullable=False, server_default=""),
            text_column("severity", 10, "warning"),
            listed("groups"),
            listed("setups"),
            text_column("quiet_from", 5),
            text_column("quiet_until", 5),
            yes_or_no("quiet_errors"),
            text_column("digest", 10, "at_once"),
        ):
            batch_op.add_column(column)


def widen_notices() -> None:
    with op.batch_alter_table("alert_notices", schema=None) as batch_op:
        batch_op.alter_column("workspace_id", existing_type=sa.Uuid(), nullable=True)
        batch_op.add_column(sa.Column("route_id", sa.Uuid(), nullable=True))
        batch_op.add_column(listed("stages"))
        batch_op.add_column(yes_or_no("fallback"))
        batch_op.add_column(text_column("telling", 60))
        batch_op.create_foreign_key(
            "fk_alert_notices_route_id_alert_routes", "alert_routes", ["route_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.create_index("ix_alert_notices_route_id", ["route_id"])


def downgrade() -> None:
    for table in ("alert_notices", "alerts"):
        op.execute(sa.delete(sa.table(table, sa.column("workspace_id"))).where(sa.column("workspace_id").is_(None)))
    op.execute(sa.text("DELETE FROM alert_routes WHERE channel <> 'email'"))
    with op.batch_alter_table("alert_notices", schema=None) as batch_op:
        batch_op.drop_index("ix_alert_notices_route_id")
        batch_op.drop_constraint("fk_alert_notices_route_id_alert_routes", type_="foreignkey")
        for name in ("telling", "fallback", "stages", "route_id"):
            batch_op.drop_column(name)
        batch_op.alter_column("workspace_id", existing_type=sa.Uuid(), nullable=False)
    with op.batch_alter_table("alert_routes", schema=None) as batch_op:
        for name in ("name", "sealed", "severity", "groups", "setups", "quiet_from", "quiet_until", "quiet_errors"):
            batch_op.drop_column(name)
        batch_op.drop_column("digest")
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.drop_index("uq_alerts_open_for_all")
        for name in ("depth", "acknowledged_at", "acknowledged_by", "snoozed_until"):
            batch_op.drop_column(name)
        batch_op.alter_column("workspace_id", existing_type=sa.Uuid(), nullable=False)
    with op.batch_alter_table("workspaces", schema=None) as batch_op:
        batch_op.drop_column("timezone")
