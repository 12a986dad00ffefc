"""Limits that all senders of a mailbox share, and the circuit of a server that does not answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SETUPS = "outbound_configs"
KEYS = {"mailbox_key": 64, "host_key": 300}
LIMITS = ("limit_per_minute", "limit_connections", "limit_recipients")


def upgrade() -> None:
    with op.batch_alter_table(SETUPS) as table:
        for name, length in KEYS.items():
            table.add_column(sa.Column(name, sa.String(length=length), nullable=False, server_default=""))
        for name in LIMITS:
            table.add_column(sa.Column(name, sa.Integer(), nullable=True))
        table.add_column(sa.Column("refusals_in_row", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table(SETUPS) as table:
        for name in (*KEYS, "refusals_in_row"):
            table.alter_column(name, server_default=None)
    for name in KEYS:
        op.create_index(op.f(f"ix_{SETUPS}_{name}"), SETUPS, [name])
    create_mailboxes()
    create_mail_hosts()


def downgrade() -> None:
    for table in ("mail_hosts", "mailbox_lanes", "mailboxes"):
        op.drop_table(table)
    for name in KEYS:
        op.drop_index(op.f(f"ix_{SETUPS}_{name}"), SETUPS)
    with op.batch_alter_table(SETUPS) as table:
        for name in (*KEYS, *LIMITS, "refusals_in_row"):
            table.drop_column(name)


def create_mailboxes() -> None:
    op.create_table(
        "mailboxes",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("minute", sa.JSON(), nullable=False),
        sa.Column("day", sa.JSON(), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pause_reason", sa.String(length=10), nullable=False),
        sa.Column("lanes", sa.Integer(), nullable=True),
        sa.Column("lanes_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_mailboxes")),
    )
    op.create_index(op.f("ix_mailboxes_used_at"), "mailboxes", ["used_at"])
    op.create_table(
        "mailbox_lanes",
        sa.Column("lane", sa.String(length=32), nullable=False),
        sa.Column("mailbox_key", sa.String(length=64), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("lane", name=op.f("pk_mailbox_lanes")),
    )
    op.create_index(op.f("ix_mailbox_lanes_mailbox_key"), "mailbox_lanes", ["mailbox_key"])


def create_mail_hosts() -> None:
    op.create_table(
        "mail_hosts",
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_config_id", sa.Uuid(), nullable=False),
        sa.Column("away_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_mail_hosts")),
    )
