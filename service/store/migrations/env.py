"""Run by Alembic, always on a connection that `schema.upgrade` hands over."""

from alembic import context

from service.store.columns import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=False)
with context.begin_transaction():
    context.run_migrations()
