"""Read the connections of a deployed product from the registry."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.compose.wiring import schema_of
from alchemesh_platform.manifest.models import DataProduct, SourceProperty
from alchemesh_platform.registry.records import AssetRecord, ManifestRecord, PortRecord, ProductRecord
from alchemesh_platform.registry.unavailable import reading_records_of
from alchemesh_platform.sdk.connections.ports import Connections, PortConnections, PortSchema, schema_of_models

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
    return Connections(
        product=product,
        environment=environment,
        inputs=inputs,
        outputs=outputs,
        infrastructure=needs,
        schemas=_schemas(registry, environment, product, ports),
    )


def _schemas(
    registry: Registry, environment: str, product: str, ports: Collection[PortRecord]
) -> dict[str, PortSchema]:
    """The types of the data of each port: of its own models, of the port that it reads, or of its declared schema."""
    origins = {port.origin for port in ports if port.from_product and port.origin}
    models: dict[str, dict[str, Any]] = {}
    for owner in {product, *(origin.rpartition("/")[0] for origin in origins)}:
        for asset in registry.all(AssetRecord, environment=environment, product=owner):
            models.setdefault(asset.port, {})[asset.model] = asset.definition
    declared = _declared(registry, environment, product)
    schemas = {}
    for port in ports:
        name = port.address.rpartition("/")[2]
        of = port.origin if port.from_product and port.origin is not None else port.address
        found = schema_of_models(models.get(of, {}), declared.get(name) if port.direction == "input" else None)
        if found.models or found.declared is not None:
            schemas[name] = found
    return schemas


def _declared(registry: Registry, environment: str, product: str) -> dict[str, Mapping[str, SourceProperty]]:
    """The declared schema of each input port that has one. Earlier versions recorded no manifests."""
    record = registry.get(ManifestRecord, environment, product)
    if record is None:
        return {}
    manifest = DataProduct.model_validate_json(record.document)
    found = ((port.name, schema_of(manifest, port)) for port in manifest.input_ports)
    return {name: schema for name, schema in found if schema is not None}
