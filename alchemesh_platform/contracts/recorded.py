"""The recorded promises of a product: the last ones deployed in an environment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.contracts.port import PromisedPort
from alchemesh_platform.manifest.models import Contract, SemanticModel
from alchemesh_platform.registration.protocol import addresses_by_protocol
from alchemesh_platform.registry.records import AssetRecord, ContractRecord, ContractVersionRecord, PortRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


class UnreadablePromise(Failure):
    """Raised when this version of alchemesh cannot read a recorded contract or model."""


def recorded_ports(registry: Registry, environment: str, product: str) -> dict[str, PromisedPort]:
    """The recorded promise of each output port, by name.

    Args:
        registry: The registry.
        environment: Name of the environment.
        product: Address of the product.

    Raises:
        UnreadablePromise: when another version of alchemesh wrote a record that this one cannot read.
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
    """The promise of one output port, from its records.

    Raises:
        UnreadablePromise: when another version of alchemesh wrote a record that this one cannot read.
    """
    from pydantic import ValidationError

    # The record of a contract holds its whole promise. After a killed deployment, contract and assets together could
    # form a promise that was never declared.
    definitions = contract.models if contract is not None else {}
    models = definitions or {asset.model: asset.definition for asset in assets}
    try:
        return PromisedPort(
            None if contract is None else Contract.model_validate(contract.document),
            {
                model: SemanticModel.model_validate(models[model])
                for model in sorted(models, key=lambda model: _rank(port, model))
            },
            (contract.protocols if contract is not None else ()) or _protocols(port),
        )
    except ValidationError as error:
        raise _unreadable(port.address, port.environment) from error


def kept_promise(version: ContractVersionRecord) -> PromisedPort:
    """The promise of a recorded version of a contract.

    Raises:
        UnreadablePromise: when another version of alchemesh wrote a record that this one cannot read.
    """
    return _promise_of(version, version.port)


def promise_of(contract: ContractRecord) -> PromisedPort:
    """The promise of a contract, from its own record.

    Raises:
        UnreadablePromise: when another version of alchemesh wrote a record that this one cannot read.
    """
    return _promise_of(contract, contract.address)


def _promise_of(record: ContractRecord | ContractVersionRecord, port: str) -> PromisedPort:
    from pydantic import ValidationError

    try:
        return PromisedPort(
            Contract.model_validate(record.document),
            {name: SemanticModel.model_validate(definition) for name, definition in record.models.items()},
            record.protocols,
        )
    except ValidationError as error:
        raise _unreadable(port, record.environment) from error


def _unreadable(port: str, environment: str) -> UnreadablePromise:
    return UnreadablePromise(
        f"what is recorded of {port} in {environment} cannot be read as a promise",
        hint="it was written by another version: use the newest, pip install --upgrade alchemesh-platform",
    )


def _rank(port: PortRecord, model: str) -> int:
    """The place of a model in the manifest."""
    return port.models.index(model) if model in port.models else len(port.models)


def _protocols(port: PortRecord) -> tuple[str, ...]:
    """The protocols that the proxy's connection offers. Without a proxy, consumers access the storage itself."""
    if port.proxy is None:
        return (port.storage_type,)
    return tuple(addresses_by_protocol(port.connections.get("proxy") or {}))
