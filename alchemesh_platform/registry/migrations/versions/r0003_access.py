"""Manifests, versions of contracts, notices, access requests, grants, and acts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

RECORD_TABLES = {
    "manifests": (),
    "contract_versions": ("product", "port", "version"),
    "notices": ("product", "port", "what"),
    "access_requests": ("product", "port", "requester_kind", "requester", "state"),
    "grants": ("product", "port", "requester_kind", "requester"),
}

SQLITE_TRIGGERS = (
    """CREATE TRIGGER acts_stay BEFORE UPDATE ON acts
       BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END""",
    """CREATE TRIGGER acts_never_go BEFORE DELETE ON acts
       BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END""",
)

POSTGRESQL_TRIGGERS = (
    """CREATE TRIGGER acts_stay BEFORE UPDATE OR DELETE ON acts
       FOR EACH ROW EXECUTE FUNCTION alchemesh_append_only()""",
    """CREATE TRIGGER acts_never_go BEFORE TRUNCATE ON acts
       FOR EACH STATEMENT EXECUTE FUNCTION alchemesh_append_only()""",
)


def upgrade() -> None:
    """Create the tables, and the triggers that keep the acts."""
    for table, columns in RECORD_TABLES.items():
        op.create_table(
            table,
            sa.Column("environment", sa.Text, nullable=False),
            sa.Column("address", sa.Text, nullable=False),
            *(sa.Column(column, sa.Text, nullable=False) for column in columns),
            sa.Column("document", sa.Text, nullable=False),
            sa.PrimaryKeyConstraint("environment", "address", name=f"pk_{table}"),
        )
        for column in ("product", "requester"):
            if column in columns:
                op.create_index(f"ix_{table}_environment_{column}", table, ["environment", column])
    op.create_table(
        "acts",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_acts"),
    )
    op.create_index("ix_acts_environment_product", "acts", ["environment", "product"])
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for trigger in SQLITE_TRIGGERS if on_sqlite else POSTGRESQL_TRIGGERS:
        op.execute(trigger)
