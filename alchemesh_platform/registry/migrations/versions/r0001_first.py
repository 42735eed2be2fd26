"""Products, ports, assets, contracts, lineage, deployments and the history of changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

RECORD_TABLES = {
    "products": ("team", "owner", "lifecycle"),
    "ports": ("product", "direction", "origin"),
    "assets": ("product", "port", "model"),
    "contracts": ("product", "version", "lifecycle", "access"),
    "lineage": ("product", "source", "source_kind", "target"),
}

SQLITE_TRIGGERS = (
    """CREATE TRIGGER changes_stay BEFORE UPDATE ON changes
       BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END""",
    """CREATE TRIGGER changes_never_go BEFORE DELETE ON changes
       BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END""",
    """CREATE TRIGGER deployments_stay BEFORE UPDATE ON deployments WHEN OLD.outcome <> 'running'
       BEGIN SELECT RAISE(ABORT, 'a deployment that ended is history'); END""",
    """CREATE TRIGGER deployments_never_go BEFORE DELETE ON deployments
       BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END""",
)

POSTGRESQL_TRIGGERS = (
    """CREATE FUNCTION alchemesh_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'the history is append-only'; END $$""",
    """CREATE TRIGGER changes_stay BEFORE UPDATE OR DELETE ON changes
       FOR EACH ROW EXECUTE FUNCTION alchemesh_append_only()""",
    """CREATE TRIGGER changes_never_go BEFORE TRUNCATE ON changes
       FOR EACH STATEMENT EXECUTE FUNCTION alchemesh_append_only()""",
    """CREATE TRIGGER deployments_stay BEFORE UPDATE ON deployments
       FOR EACH ROW WHEN (OLD.outcome <> 'running') EXECUTE FUNCTION alchemesh_append_only()""",
    """CREATE TRIGGER deployments_never_go BEFORE DELETE ON deployments
       FOR EACH ROW EXECUTE FUNCTION alchemesh_append_only()""",
    """CREATE TRIGGER deployments_never_emptied BEFORE TRUNCATE ON deployments
       FOR EACH STATEMENT EXECUTE FUNCTION alchemesh_append_only()""",
)


def upgrade() -> None:
    """Create the tables, and the triggers that keep the history."""
    for table, columns in RECORD_TABLES.items():
        op.create_table(
            table,
            sa.Column("environment", sa.Text, nullable=False),
            sa.Column("address", sa.Text, nullable=False),
            *(sa.Column(column, sa.Text, nullable=column == "origin") for column in columns),
            sa.Column("document", sa.Text, nullable=False),
            sa.PrimaryKeyConstraint("environment", "address", name=f"pk_{table}"),
        )
        if "product" in columns:
            op.create_index(f"ix_{table}_environment_product", table, ["environment", "product"])
    op.create_table(
        "deployments",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deployments"),
    )
    op.create_index(
        "ix_deployments_environment_product_started_at", "deployments", ["environment", "product", "started_at"]
    )
    op.create_table(
        "changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_changes"),
    )
    op.create_index("ix_changes_environment_product", "changes", ["environment", "product"])
    op.create_index("ix_changes_environment_address", "changes", ["environment", "address"])
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for trigger in SQLITE_TRIGGERS if on_sqlite else POSTGRESQL_TRIGGERS:
        op.execute(trigger)
