"""The running deployments are found without reading those that ended."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    columns = ["environment", "outcome", "started_at"]
    op.create_index("ix_deployments_" + "_".join(columns), "deployments", columns)
