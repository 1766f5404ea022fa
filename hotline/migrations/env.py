"""Runs the migrations in `versions/` on the database that the store names."""

from alembic import context
from sqlalchemy import create_engine

from hotline.store import Base

with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
