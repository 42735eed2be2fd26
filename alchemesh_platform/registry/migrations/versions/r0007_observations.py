"""The time series of measures, its newest values and its summaries."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SQLITE_TRIGGER = """CREATE TRIGGER observations_stay BEFORE UPDATE ON observations
   BEGIN SELECT RAISE(ABORT, 'an observation does not change'); END"""
POSTGRESQL_TRIGGERS = (
    """CREATE FUNCTION alchemesh_observations_stay() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'an observation does not change'; END $$""",
    """CREATE TRIGGER observations_stay BEFORE UPDATE ON observations
       FOR EACH ROW EXECUTE FUNCTION alchemesh_observations_stay()""",
)


def _observation() -> list[sa.Column[Any]]:
    return [
        sa.Column("subject_kind", sa.Text, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_seconds", sa.Float, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("value", sa.Float, nullable=True),
        sa.Column("good", sa.BigInteger, nullable=True),
        sa.Column("total", sa.BigInteger, nullable=True),
        sa.Column("state", sa.Text, nullable=True),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("reported_by", sa.Text, nullable=False),
    ]


def upgrade() -> None:
    """Create the tables, and the trigger that keeps observations unchanged."""
    op.create_table(
        "observations",
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("measure", sa.Text, nullable=False),
        *_observation(),
        sa.PrimaryKeyConstraint("environment", "id", name="pk_observations"),
    )
    op.create_index(
        "ix_observations_environment_subject_measure_measured_at",
        "observations",
        ["environment", "subject", "measure", "measured_at"],
    )
    op.create_index("ix_observations_environment_measured_at", "observations", ["environment", "measured_at"])
    op.create_table(
        "latest_observations",
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("measure", sa.Text, nullable=False),
        *_observation(),
        sa.PrimaryKeyConstraint("environment", "subject", "measure", name="pk_latest_observations"),
    )
    op.create_index("ix_latest_observations_environment_product", "latest_observations", ["environment", "product"])
    op.create_table(
        "observation_summaries",
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("measure", sa.Text, nullable=False),
        sa.Column("grain", sa.Text, nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("count", "unknown", "failed")),
        *(sa.Column(name, sa.Float, nullable=True) for name in ("sum", "minimum", "maximum")),
        *(sa.Column(name, sa.BigInteger, nullable=True) for name in ("good", "total")),
        sa.Column("worst_state", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("environment", "subject", "measure", "grain", "start", name="pk_observation_summaries"),
    )
    op.create_table(
        "summarized_observations",
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("environment", "id", name="pk_summarized_observations"),
    )
    op.create_index(
        "ix_summarized_observations_environment_measured_at", "summarized_observations", ["environment", "measured_at"]
    )
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for trigger in (SQLITE_TRIGGER,) if on_sqlite else POSTGRESQL_TRIGGERS:
        op.execute(trigger)
