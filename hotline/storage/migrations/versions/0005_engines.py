"""Several engines on one database: which live, and whose a case is."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "engine_life",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("beats", sa.Integer, nullable=False),
    )
    op.add_column("case", sa.Column("engine", sa.String, nullable=False, server_default=""))
    op.drop_column("owner_attempt", "lease_until")


def downgrade() -> None:
    op.add_column("owner_attempt", sa.Column("lease_until", sa.Float, nullable=False, server_default="0"))
    op.drop_column("case", "engine")
    op.drop_table("engine_life")
