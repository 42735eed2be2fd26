"""Incidents in the registry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, or_, select, update

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.incidents.incident import Incident
from alchemesh_platform.registry.tables import incidents
from alchemesh_platform.registry.unavailable import RecordDamaged

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


class NoSuchIncident(Failure):
    """Raised when no incident has an id."""

    exit_code = ExitCode.USAGE


def open_incidents(registry: Registry, environment: str, products: Iterable[str] | None = None) -> list[Incident]:
    """The open incidents of products, or of the whole environment, oldest first."""
    return find_incidents(registry, environment, products, closed=False)


def find_incidents(
    registry: Registry, environment: str, products: Iterable[str] | None = None, *, closed: bool = True
) -> list[Incident]:
    """The incidents of products, or of the whole environment, oldest first.

    Args:
        closed: Whether to include those that ended.
    """
    query = select(incidents).where(incidents.c.environment == environment)
    if products is not None:
        query = query.where(incidents.c.product.in_(list(products)))
    if not closed:
        query = query.where(incidents.c.closed_at.is_(None))
    with registry.reading() as connection:
        rows = connection.execute(query.order_by(incidents.c.opened_at, incidents.c.id)).all()
    return [_incident(row) for row in rows]


def incident_of(registry: Registry, environment: str, name: str) -> Incident:
    """The incident with an id.

    Raises:
        NoSuchIncident: when there is none.
    """
    query = select(incidents).where(incidents.c.environment == environment, incidents.c.id == name)
    with registry.reading() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise NoSuchIncident(
            f"there is no incident {name} in {environment}",
            hint=remedy("{} shows all incidents", command("incidents", "list", "--all")),
        )
    return _incident(row)


def incidents_named(registry: Registry, environment: str, names: Iterable[str]) -> list[Incident]:
    """The incidents that have these ids, at most a few hundred."""
    query = select(incidents).where(incidents.c.environment == environment, incidents.c.id.in_(sorted(names)))
    with registry.reading() as connection:
        return [_incident(row) for row in connection.execute(query)]


def recent(registry: Registry, environment: str, product: str, since: datetime) -> list[Incident]:
    """The incidents of a product that were open at a time or later, oldest first."""
    query = select(incidents).where(
        incidents.c.environment == environment,
        incidents.c.product == product,
        or_(incidents.c.closed_at.is_(None), incidents.c.closed_at >= since, incidents.c.opened_at >= since),
    )
    with registry.reading() as connection:
        rows = connection.execute(query.order_by(incidents.c.opened_at, incidents.c.id)).all()
    return [_incident(row) for row in rows]


def save(connection: Connection, incident: Incident) -> None:
    """Write an incident over its former content."""
    columns: dict[str, Any] = {
        "product": incident.product,
        "port": incident.facts.port,
        "commitment": incident.commitment,
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "document": incident.model_dump_json(),
    }
    named = (incidents.c.environment == incident.environment, incidents.c.id == incident.id)
    if connection.execute(update(incidents).where(*named).values(**columns)).rowcount == 0:
        connection.execute(insert(incidents).values(environment=incident.environment, id=incident.id, **columns))


def turn_of(environment: str, product: str) -> str:
    """The lock of everything that changes the incidents of a product."""
    return f"incidents {environment} {product}"


def _incident(row: Any) -> Incident:
    try:
        return Incident.model_validate_json(row.document)
    except ValueError as error:
        raise RecordDamaged(
            f"the registry holds a damaged record: incident {row.id} in {row.environment} cannot be decoded",
            hint="restore a backup of the registry",
        ) from error


def newest(found: Sequence[Incident]) -> list[Incident]:
    """Incidents in the order in which people read them: open ones first, then the newest."""
    return sorted(found, key=lambda each: (each.closed_at is not None, -each.opened_at.timestamp(), each.id))
