"""Runs the migrations in `versions/` on the store's connection; of several engines, one at a time."""

from alembic import context
from sqlalchemy import text

from hotline.storage.store import Base

connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('ivr migrations'))"))
context.configure(connection=connection, target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
connection.commit()
