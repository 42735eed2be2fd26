"""The holders of consumers' credentials."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = ("product", "port", "request", "holder")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "credentials",
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        *(sa.Column(column, sa.Text, nullable=False) for column in COLUMNS),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("environment", "address", name="pk_credentials"),
    )
    op.create_index("ix_credentials_environment_product", "credentials", ["environment", "product"])
