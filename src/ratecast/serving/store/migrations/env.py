"""Alembic environment: runs the migrations on the connection in its config."""

from alembic import context

from ratecast.serving.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
