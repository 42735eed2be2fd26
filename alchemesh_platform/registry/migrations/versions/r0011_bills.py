"""The final bills of ports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SQLITE_TRIGGER = """CREATE TRIGGER bills_stay BEFORE UPDATE ON bills
   BEGIN SELECT RAISE(ABORT, 'a final bill does not change'); END"""
POSTGRESQL_TRIGGERS = (
    """CREATE FUNCTION alchemesh_bills_stay() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'a final bill does not change'; END $$""",
    """CREATE TRIGGER bills_stay BEFORE UPDATE ON bills
       FOR EACH ROW EXECUTE FUNCTION alchemesh_bills_stay()""",
)


def upgrade() -> None:
    """Create the table, and the trigger that keeps bills unchanged."""
    op.create_table(
        "bills",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("environment", "port", "period")),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("environment", "port", "period", name="pk_bills"),
    )
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for trigger in (SQLITE_TRIGGER,) if on_sqlite else POSTGRESQL_TRIGGERS:
        op.execute(trigger)
