"""Old summaries by hour are found without reading the others."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    columns = ["environment", "grain", "start", "subject"]
    op.create_index("ix_observation_summaries_" + "_".join(columns), "observation_summaries", columns)
