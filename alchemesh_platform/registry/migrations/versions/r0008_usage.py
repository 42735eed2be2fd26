"""Usage of output ports: its lines, the positions of its readers, and the gaps in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SQLITE_TRIGGER = """CREATE TRIGGER usage_lines_stay BEFORE UPDATE ON usage_lines
   BEGIN SELECT RAISE(ABORT, 'a usage line does not change'); END"""
POSTGRESQL_TRIGGERS = (
    """CREATE FUNCTION alchemesh_usage_lines_stay() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'a usage line does not change'; END $$""",
    """CREATE TRIGGER usage_lines_stay BEFORE UPDATE ON usage_lines
       FOR EACH ROW EXECUTE FUNCTION alchemesh_usage_lines_stay()""",
)


def upgrade() -> None:
    """Create the tables, and the trigger that keeps usage lines unchanged."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "usage_lines",
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("product", "port", "protocol", "consumer", "contract_version")
        ),
        sa.Column("hour", moment, nullable=False),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("billable_requests", sa.BigInteger, nullable=False),
        sa.Column("errors", sa.BigInteger, nullable=True),
        sa.Column("bytes_out", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=True),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("own", sa.Boolean, nullable=False),
        sa.Column("received_at", moment, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("environment", "id", name="pk_usage_lines"),
    )
    for subject in ("product", "port"):
        op.create_index(f"ix_usage_lines_environment_{subject}_hour", "usage_lines", ["environment", subject, "hour"])
    op.create_table(
        "usage_positions",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("environment", "source", "product", "port")),
        sa.Column("read_at", moment, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("environment", "source", name="pk_usage_positions"),
    )
    op.create_table(
        "usage_gaps",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("environment", "id", "product", "port", "source")),
        sa.Column("since", moment, nullable=True),
        sa.Column("until", moment, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("environment", "id", name="pk_usage_gaps"),
    )
    op.create_index("ix_usage_gaps_environment_product", "usage_gaps", ["environment", "product"])
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for trigger in (SQLITE_TRIGGER,) if on_sqlite else POSTGRESQL_TRIGGERS:
        op.execute(trigger)
