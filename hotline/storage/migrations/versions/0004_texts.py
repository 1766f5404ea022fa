"""Texts that are to be sent; how a caller wants the outcome, and what became of the promise."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "text_message",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("once", sa.String, nullable=False, unique=True),
        sa.Column("case_id", sa.String, nullable=False, index=True),
        sa.Column("to", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("ticket", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("queued_at", sa.Float, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("why", sa.String, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("engine", sa.String, nullable=False),
        sa.Column("lease_until", sa.Float, nullable=False),
    )
    op.create_index("text_message_due", "text_message", ["state", "due_at"])
    with op.batch_alter_table("caller_promise") as table:
        table.drop_column("caller")                      # the case has it, and the plate
        table.drop_column("plate")
        table.add_column(sa.Column("how", sa.String, nullable=False, server_default="call"))
        table.add_column(sa.Column("outcome", sa.String, nullable=False, server_default=""))
        table.add_column(sa.Column("minutes", sa.String, nullable=False, server_default=""))
        table.add_column(sa.Column("ended_at", sa.Float, nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("caller_promise") as table:
        for column in ("how", "outcome", "minutes", "ended_at"):
            table.drop_column(column)
        for column in ("caller", "plate"):
            table.add_column(sa.Column(column, sa.String, nullable=False, server_default=""))
    op.drop_table("text_message")
