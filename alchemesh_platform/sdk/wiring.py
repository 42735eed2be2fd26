"""The wiring of a component: its place in the product, beside arguments and settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alchemesh_platform.manifest.models import Protocol, SemanticModel


@dataclass(frozen=True, slots=True)
class Wiring:
    """A component's place in a product. All of it has defaults, so that a component works in any Pulumi program.

    Args:
        environment: Environment that the product is deployed to.
        domain: Data domain of the product.
        product: Name of the product.
        team: Name of the technical team that the product belongs to.
        port: The port or need that the component belongs to; ``code`` for the product's code.
        part: Of a component inside another one: which part of the port it is; names of what it makes have it.
        role: The place it takes, a :class:`alchemesh_platform.sdk.spec.Role`; a component of several roles may ask.
        models: Model name: model, of the port's models.
        protocols: Protocols a proxy is to offer.
        storage: For a proxy: the outputs of the port's storage (values may be Pulumi outputs).
        storage_component: For a proxy: name of the component that the port's storage is.
        origin: For an input port from another product: ``domain/product/port``.
        connections: For code: outputs of the product's other components, ``{"inputs": {port: {"storage": …}},
            "outputs": {…}, "infrastructure": {…}}``, as :class:`alchemesh_platform.connections.Connections` has them
            (values may be Pulumi outputs).
        needs: Name of each need of the product: its component type.
        foundations: Foundations that the environment has for the product, by role (``platform``, ``domain``): the
            outputs of its stack, empty where it is not deployed.
        product_version: Version of the product.
        product_root: Folder of the manifest; what relative paths in arguments start from.
    """

    environment: str = "local"
    domain: str = "standalone"
    product: str = "standalone"
    team: str = ""
    port: str = "standalone"
    part: str = ""
    role: str = ""
    models: Mapping[str, SemanticModel] = field(default_factory=dict)
    protocols: tuple[Protocol, ...] = ()
    storage: Mapping[str, Any] = field(default_factory=dict)
    storage_component: str = ""
    origin: str | None = None
    connections: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    foundations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    product_version: str = "0.0.0"
    product_root: str = "."

    @property
    def address(self) -> str:
        """``domain/product/port``."""
        return f"{self.domain}/{self.product}/{self.port}"
