"""Cases and their event logs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "case",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("opened_at", sa.String, nullable=False, index=True),
        sa.Column("closed_at", sa.String, nullable=False),
        sa.Column("caller", sa.String, nullable=False),
        sa.Column("plate", sa.String, nullable=False),
        sa.Column("outcome", sa.String, nullable=False, index=True),
        sa.Column("reason", sa.String, nullable=False),
    )
    op.create_table(
        "case_event",
        sa.Column("case_id", sa.String, sa.ForeignKey("case.id"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("side", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("case_event")
    op.drop_table("case")
