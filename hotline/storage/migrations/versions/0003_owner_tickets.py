"""Calls to owners: tickets for later attempts, leases of engines, promises to callers, who wants no calls."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for table, column in (
        ("owner_request", sa.Column("ticket", sa.String, nullable=False, server_default="")),
        ("owner_request", sa.Column("answered", sa.String, nullable=False, server_default="")),
        ("owner_request", sa.Column("claimed_by", sa.String, nullable=False, server_default="")),
        ("owner_request", sa.Column("claimed_until", sa.Float, nullable=False, server_default="0")),
        ("owner_attempt", sa.Column("engine", sa.String, nullable=False, server_default="")),
        ("owner_attempt", sa.Column("lease_until", sa.Float, nullable=False, server_default="0")),
    ):
        op.add_column(table, column)
    op.create_table(
        "owner_no_calls",
        sa.Column("owner", sa.String, primary_key=True),
        sa.Column("since", sa.Float, nullable=False),
    )
    op.create_table(
        "caller_promise",
        sa.Column("case_id", sa.String, primary_key=True),
        sa.Column("caller", sa.String, nullable=False),
        sa.Column("plate", sa.String, nullable=False),
        sa.Column("request_id", sa.Integer, nullable=False, index=True),
        sa.Column("state", sa.String, nullable=False, index=True),
        sa.Column("promised_at", sa.Float, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("spent", sa.Integer, nullable=False),
        sa.Column("engine", sa.String, nullable=False),
        sa.Column("lease_until", sa.Float, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("caller_promise")
    op.drop_table("owner_no_calls")
    for table, column in (
        ("owner_attempt", "lease_until"), ("owner_attempt", "engine"), ("owner_request", "claimed_until"),
        ("owner_request", "claimed_by"), ("owner_request", "answered"), ("owner_request", "ticket"),
    ):
        op.drop_column(table, column)
