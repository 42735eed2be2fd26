"""Builds the wiring of each component, for its check and for its deployment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alchemesh_platform.manifest.models import DataProduct, InputPort, OutputPortOrigin, SourceProperty
from alchemesh_platform.sdk.spec import Role
from alchemesh_platform.sdk.wiring import Wiring

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.compose.planned import FoundationRef, PlannedComponent


def planned_wiring(
    plan: Plan,
    planned: PlannedComponent,
    *,
    storage: Mapping[str, Any] | None = None,
    connections: Mapping[str, Any] | None = None,
) -> Wiring:
    """The wiring of a component for its deployment.

    Args:
        storage: For a proxy: the outputs of its port's storage.
        connections: For code: the outputs of the product's other components.
    """
    storages = {output.name: output.storage.spec.name for output in plan.outputs}
    wiring = wiring_of(
        plan.product, plan.environment, plan.root, plan.foundations, planned.role, planned.port, storages
    )
    return replace(wiring, storage=storage or {}, connections=connections or {}, place=plan.place)


def wiring_of(
    product: DataProduct,
    environment: str,
    root: str,
    foundations: Iterable[FoundationRef],
    role: Role,
    port: str,
    storages: Mapping[str, str],
) -> Wiring:
    """The wiring of a component, from the manifest and the platform file only.

    Args:
        root: Folder of the manifest.
        foundations: Foundations of the environment, with their outputs if they are deployed.
        role: The component's role.
        port: The port or need that it belongs to.
        storages: Name of the storage component of each output port.
    """
    output = next((each for each in product.output_ports if each.name == port), None)
    if role not in {Role.STORAGE, Role.PROXY}:
        output = None
    contract = output.contract if output is not None else None
    input_port = next((each for each in product.input_ports if each.name == port), None)
    origin = None if input_port is None else input_port.origin
    return Wiring(
        environment=environment,
        domain=product.domain,
        product=product.name,
        team=product.team,
        port=port,
        role=role.value,
        models={name: product.models[name] for name in output.models} if output is not None else {},
        protocols=output.proxy.protocols if output is not None and output.proxy is not None else (),
        access=contract.access.value if contract is not None else "",
        freshness=contract.service_levels.freshness if contract is not None else None,
        storage_component=storages.get(port, "") if output is not None else "",
        origin=f"{origin.data_product}/{origin.output_port}" if isinstance(origin, OutputPortOrigin) else None,
        schema=None if input_port is None else schema_of(product, input_port),
        upstream=upstream_of(product),
        needs={need.name: need.component_type for need in product.infrastructure},
        foundations={foundation.role.value: foundation.outputs or {} for foundation in foundations},
        product_version=product.version,
        product_root=root,
    )


def upstream_of(product: DataProduct) -> dict[str, str]:
    """The output port of another product that an input port reads, by the name of the input port."""
    return {
        port.name: f"{port.origin.data_product}/{port.origin.output_port}"
        for port in product.input_ports
        if isinstance(port.origin, OutputPortOrigin)
    }


def schema_of(product: DataProduct, port: InputPort) -> Mapping[str, SourceProperty] | None:
    """The properties of the schema that an input port declares, in place or by the name of a model."""
    declared = port.declared_schema
    if isinstance(declared, str):
        properties = product.models[declared].properties
        return {name: SourceProperty.model_validate(each.model_dump()) for name, each in properties.items()}
    return declared
