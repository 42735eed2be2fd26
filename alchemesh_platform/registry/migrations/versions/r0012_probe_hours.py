"""The probes of each hour in one row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "probe_hours",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("environment", "subject", "measure")),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("up", "down")),
        *(sa.Column(name, sa.LargeBinary, nullable=False) for name in ("minutes", "seconds")),
        sa.PrimaryKeyConstraint("environment", "subject", "measure", "start", name="pk_probe_hours"),
    )
