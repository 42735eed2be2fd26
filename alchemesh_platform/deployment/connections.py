"""Read the connections of a deployed product from the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.registry.records import PortRecord, ProductRecord
from alchemesh_platform.registry.unavailable import reading_records_of
from alchemesh_platform.sdk.connections.ports import Connections, PortConnections

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


class NotDeployed(Failure):
    """Raised when a product is not deployed in an environment."""

    def __init__(self, product: str, environment: str) -> None:
        super().__init__(
            f"{product} is not deployed in environment {environment!r}",
            hint=remedy("{} deploys it; {} shows all deployed products", command("up"), command("status", "--all")),
        )


def product_record(registry: Registry, environment: str, product: str) -> ProductRecord:
    """The record of a deployed product.

    Raises:
        NotDeployed: when the product is not deployed.
    """
    record = registry.get(ProductRecord, environment, product)
    if record is None:
        raise NotDeployed(product, environment)
    return record


def read_connections(registry: Registry, environment: str, product: str) -> Connections:
    """Every connection of a deployed product.

    Raises:
        NotDeployed: when the product is not deployed.
        RecordDamaged: when a recorded connection cannot be read.
    """
    with reading_records_of(product, environment):
        return _read_connections(registry, environment, product)


def _read_connections(registry: Registry, environment: str, product: str) -> Connections:
    record = product_record(registry, environment, product)
    ports = registry.all(PortRecord, environment=environment, product=product)
    inputs, outputs = (
        {
            port.address.rpartition("/")[2]: PortConnections.model_validate(port.connections)
            for port in ports
            if port.direction == direction
        }
        for direction in ("input", "output")
    )
    needs = {name: PortConnections(storage=need["connection"]) for name, need in record.needs.items()}
    return Connections(product=product, environment=environment, inputs=inputs, outputs=outputs, infrastructure=needs)
