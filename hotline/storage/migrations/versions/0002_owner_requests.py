"""Calls to owners: what was asked for, and every attempt."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
OPEN = sa.text("state IN ('waiting', 'calling')")


def upgrade() -> None:
    op.create_table(
        "owner_request",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("car", sa.String, nullable=False, index=True),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("emergency", sa.Boolean, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("numbers", sa.Integer, nullable=False),
        sa.Column("spent", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("minutes", sa.String, nullable=False),
    )
    op.create_index("one_open_request_per_car", "owner_request", ["car"], unique=True,
                    sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_table(
        "owner_request_case",
        sa.Column("case_id", sa.String, primary_key=True),
        sa.Column("request_id", sa.Integer, sa.ForeignKey("owner_request.id"), nullable=False, index=True),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
    )
    op.create_table(
        "owner_attempt",
        sa.Column("request_id", sa.Integer, sa.ForeignKey("owner_request.id"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("owner", sa.String, nullable=False, index=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("begun_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float, nullable=False),
        sa.Column("counted", sa.Boolean, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("owner_attempt")
    op.drop_table("owner_request_case")
    op.drop_table("owner_request")
