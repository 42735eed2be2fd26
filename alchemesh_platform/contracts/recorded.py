"""What is recorded of a product's promises: the last ones that were deployed in an environment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from alchemesh_platform.contracts.port import PromisedPort
from alchemesh_platform.failure import Failure
from alchemesh_platform.manifest.models import Contract, SemanticModel
from alchemesh_platform.registry.records import AssetRecord, ContractRecord, PortRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


class UnreadablePromise(Failure):
    """Raised when a recorded contract or model is of a shape that this alchemesh does not know."""


def recorded_ports(registry: Registry, environment: str, product: str) -> dict[str, PromisedPort]:
    """Output port: what is recorded of its promise, by name.

    Args:
        registry: Where to look.
        environment: Which environment.
        product: Address of the product.

    Raises:
        UnreadablePromise: when another version wrote what this one cannot read.
    """
    contracts = {record.address: record for record in registry.all(ContractRecord, environment, product)}
    assets = registry.all(AssetRecord, environment, product)
    return {
        port.address.rpartition("/")[2]: recorded_port(
            port, contracts.get(port.address), [asset for asset in assets if asset.port == port.address]
        )
        for port in registry.all(PortRecord, environment, product)
        if port.direction == "output"
    }


def recorded_port(port: PortRecord, contract: ContractRecord | None, assets: Iterable[AssetRecord]) -> PromisedPort:
    """One output port's promise, put together from its records.

    Raises:
        UnreadablePromise: when another version wrote what this one cannot read.
    """
    from pydantic import ValidationError

    try:
        return PromisedPort(
            None if contract is None else Contract.model_validate(contract.document),
            {
                asset.model: SemanticModel.model_validate(asset.definition)
                for asset in sorted(assets, key=lambda asset: _rank(port, asset.model))
            },
            _protocols(port),
        )
    except ValidationError as error:
        raise UnreadablePromise(
            f"what is recorded of {port.address} in {port.environment} cannot be read as a promise",
            hint="it was written by another version: use the newest, pip install --upgrade alchemesh-platform",
        ) from error


def _rank(port: PortRecord, model: str) -> int:
    """The place of a model in the manifest."""
    return port.models.index(model) if model in port.models else len(port.models)


def _protocols(port: PortRecord) -> tuple[str, ...]:
    """The protocols that the proxy's connection offers; without a proxy, access is the storage's own."""
    if port.proxy is None:
        return (port.storage_type,)
    connection = port.connections.get("proxy") or {}
    return tuple(protocol for protocol in ("sql", "rest", "graphql") if connection.get(protocol) is not None)
