"""Incidents of broken commitments, their measurements, and the outbox of notifications."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "incident_due", _number("id"), *_texts("environment", "product"), _moment("at"), sqlite_autoincrement=True
    )
    op.create_index("ix_incident_due_environment_product", "incident_due", ["environment", "product"])
    op.create_table(
        "incident_points",
        *_texts("environment", "commitment"),
        _moment("at"),
        *_texts("product", "verdict", "document"),
        sa.PrimaryKeyConstraint("environment", "commitment", "at", name="pk_incident_points"),
    )
    op.create_index("ix_incident_points_environment_product_at", "incident_points", ["environment", "product", "at"])
    op.create_table(
        "incidents",
        *_texts("environment", "id", "product", "port", "commitment"),
        _moment("opened_at"),
        _moment("closed_at", nullable=True),
        *_texts("document"),
        sa.PrimaryKeyConstraint("environment", "id", name="pk_incidents"),
    )
    op.create_index("ix_incidents_environment_product_opened_at", "incidents", ["environment", "product", "opened_at"])
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "ix_incidents_open",
        "incidents",
        ["environment", "commitment"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "incident_events",
        _number("number"),
        *_texts("environment", "id", "product", "incident"),
        _moment("recorded_at"),
        _moment("planned_at", nullable=True),
        *_texts("document"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_incident_events_environment_planned_at", "incident_events", ["environment", "planned_at"])
    op.create_table(
        "incident_deliveries",
        _number("number"),
        *_texts("environment", "id", "product", "channel", "recipient"),
        _moment("created_at"),
        sa.Column("attempts", sa.Integer, nullable=False),
        _moment("next_at"),
        _moment("claimed_until", nullable=True),
        _moment("ended_at", nullable=True),
        *_texts("failure", "document"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_incident_deliveries_environment_ended_at", "incident_deliveries", ["environment", "ended_at"])


def _number(name: str) -> sa.Column[Any]:
    """A number that counts up; SQLite does so for INTEGER only."""
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
