"""Policies of the mesh, and the value scores of products."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

RECORD_TABLES: dict[str, tuple[str, ...]] = {"policies": ("effect",), "value_scores": ("product",)}


def upgrade() -> None:
    """Create the tables."""
    for table, columns in RECORD_TABLES.items():
        op.create_table(
            table,
            sa.Column("environment", sa.Text, nullable=False),
            sa.Column("address", sa.Text, nullable=False),
            *(sa.Column(column, sa.Text, nullable=False) for column in columns),
            sa.Column("document", sa.Text, nullable=False),
            sa.PrimaryKeyConstraint("environment", "address", name=f"pk_{table}"),
        )
        if "product" in columns:
            op.create_index(f"ix_{table}_environment_product", table, ["environment", "product"])
