"""Announced maintenance, and histograms of response times in the summaries of observations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and add the column. Summaries of earlier versions have no response times."""
    op.create_table(
        "maintenances",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("environment", "address", "product", "port")),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("environment", "address", name="pk_maintenances"),
    )
    op.create_index("ix_maintenances_environment_product", "maintenances", ["environment", "product"])
    op.add_column("observation_summaries", sa.Column("buckets", sa.Text, nullable=True))
