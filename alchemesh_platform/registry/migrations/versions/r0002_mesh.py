"""Domains, technical teams, source systems and users."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

RECORD_TABLES = {
    "domains": ("type", "owner"),
    "teams": ("domain", "name", "team_kind"),
    "source_systems": ("domain", "name"),
    "users": (),
}


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
        for column in ("domain", "name"):
            if column in columns:
                op.create_index(f"ix_{table}_environment_{column}", table, ["environment", column])
