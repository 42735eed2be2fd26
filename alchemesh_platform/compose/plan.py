"""The plan of one product in one environment: the components that `up` would deploy. It holds frozen values only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from alchemesh_platform.base.names import asset_address, port_address, project_name
from alchemesh_platform.base.problems import Location
from alchemesh_platform.compose.planned import FoundationRef, PlannedComponent
from alchemesh_platform.manifest.models import Contract, DataProduct, Protocol, SemanticModel
from alchemesh_platform.platform_file.models import Transform
from alchemesh_platform.sdk.code.place import Place
from alchemesh_platform.sdk.consumer import Consumer

__all__ = ["FoundationRef", "Kept", "Plan", "PlannedComponent", "PlannedGrant", "PlannedInput", "PlannedOutput"]


@dataclass(frozen=True, slots=True)
class PlannedInput:
    """An input port. ``origin`` is ``domain/product/port`` or ``domain/source-system``; ``from_product`` says which."""

    name: str
    origin: str
    from_product: bool
    component: PlannedComponent
    description: str = ""


@dataclass(frozen=True, slots=True)
class PlannedGrant:
    """A consumer with an approved request, and the grant to deploy at an output port."""

    consumer: Consumer
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class PlannedOutput:
    """An output port with its models and grants, as the registry will record it.

    ``waiting`` are approved consumers that cannot receive access yet, because they have no identity.
    """

    name: str
    description: str
    models: Mapping[str, SemanticModel]
    storage: PlannedComponent
    proxy: PlannedComponent | None
    protocols: tuple[Protocol, ...]
    contract: Contract | None
    location: Location
    grants: tuple[PlannedGrant, ...] = ()
    waiting: tuple[PlannedGrant, ...] = ()

    @property
    def required_identity(self) -> frozenset[str]:
        """The kinds of identity that a consuming product needs before it can receive access. Most ports need none."""
        parts = (self.storage, self.proxy) if self.proxy is not None else (self.storage,)
        return frozenset(
            part.spec.required_identity for part in parts if part.spec.guards and part.spec.required_identity
        )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Protocols of the port: those of the proxy; without one, the component type of the storage."""
        return self.protocols or (self.storage.component_type,)


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept object of a removed resource: the Pulumi type and name of the resource, and the provider's id."""

    type: str
    name: str
    id: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A product, composed for one environment."""

    product: DataProduct
    environment: str
    root: str  # folder of the manifest
    inputs: tuple[PlannedInput, ...]
    needs: tuple[PlannedComponent, ...]
    code: PlannedComponent | None
    outputs: tuple[PlannedOutput, ...]
    foundations: tuple[FoundationRef, ...] = ()
    kept: tuple[Kept, ...] = ()
    transforms: tuple[Transform, ...] = ()
    location: Location = field(default_factory=lambda: Location("alchemesh.yaml"))
    emulated: bool = False  # whether emulators on this machine replace the clouds
    place: Place | None = None  # of the environment on this machine
    document: Mapping[str, Any] = field(default_factory=dict)  # the manifest, overlay and contract files merged in
    upcoming: frozenset[str] = frozenset()  # output ports that it reads, and that other products of a preview will add

    @property
    def project(self) -> str:
        """Pulumi project."""
        return project_name(self.product.domain, self.product.name)

    @property
    def assets(self) -> tuple[str, ...]:
        """Addresses of the assets that deployment will record."""
        product = self.product
        return tuple(
            asset_address(product.domain, product.name, output.name, model)
            for output in self.outputs
            for model in output.models
        )

    def components(self) -> Iterator[PlannedComponent]:
        """Every component, in the order of the manifest."""
        for planned in self.inputs:
            yield planned.component
        yield from self.needs
        if self.code is not None:
            yield self.code
        for output in self.outputs:
            yield output.storage
            if output.proxy is not None:
                yield output.proxy

    def address(self, port: str) -> str:
        """``domain/product/port``."""
        return port_address(self.product.domain, self.product.name, port)
