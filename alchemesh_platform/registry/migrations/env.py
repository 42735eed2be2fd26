"""Alembic's entry point: runs the migrations on the given connection, in its transaction."""

from __future__ import annotations

from alembic import context

from alchemesh_platform.registry.migrations import VERSION_TABLE
from alchemesh_platform.registry.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
