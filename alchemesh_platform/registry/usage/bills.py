"""Final bills, and the late usage that they do not have."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from alchemesh_platform.registry.tables import bills, usage_lines
from alchemesh_platform.registry.writes import insert_if_absent

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


def kept_bill(registry: Registry, environment: str, port: str, period: str) -> str | None:
    """The document of a final bill; None if it is not kept yet.

    Args:
        period: The month: ``2026-11``.
    """
    query = select(bills.c.document).where(
        bills.c.environment == environment, bills.c.port == port, bills.c.period == period
    )
    with registry.reading() as connection:
        found: str | None = connection.execute(query).scalar()
    return found


def keep_bill(registry: Registry, environment: str, port: str, period: str, document: str, now: datetime) -> str:
    """Keep the document of a final bill; returns the kept one. The first document of a month stays."""
    row = {"environment": environment, "port": port, "period": period, "kept_at": now, "document": document}
    with registry.writing() as connection:
        connection.execute(insert_if_absent(connection, bills), row)
    return kept_bill(registry, environment, port, period) or document


def late_hours(
    registry: Registry, environment: str, port: str, before: datetime, since: datetime, until: datetime
) -> list[datetime]:
    """The hours before a moment whose usage the registry received in a span of time.

    Args:
        before: End of the hours.
        since: Start of the span in which their lines were received.
        until: End of that span.
    """
    table = usage_lines
    query = select(table.c.hour).distinct()
    query = query.where(
        table.c.environment == environment,
        table.c.port == port,
        table.c.hour < before,
        table.c.received_at > since,
        table.c.received_at <= until,
    )
    with registry.reading() as connection:
        return list(connection.execute(query.order_by(table.c.hour)).scalars())
