"""Alembic's entry: migrations run on the connection that guides.database hands over."""

from alembic import context

from guides import models

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=models.Base.metadata, render_as_batch=True)
context.run_migrations()
