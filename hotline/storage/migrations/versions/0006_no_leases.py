"""Promises and texts are their engine's until it is dead, by its beats: no lease by the clock."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.drop_column("caller_promise", "lease_until")
    op.drop_column("text_message", "lease_until")


def downgrade() -> None:
    for table in ("caller_promise", "text_message"):
        op.add_column(table, sa.Column("lease_until", sa.Float, nullable=False, server_default="0"))
