"""The wiring of a component: its place in the product."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from alchemesh_platform.manifest.models import Protocol, SemanticModel, SourceProperty
from alchemesh_platform.sdk.code.place import Place

_WORD = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_HASH_LENGTH = 8


def _word(text: str) -> str:
    """A text in the form of names in manifests; with a hash if it had another form, so that it stays unique."""
    if _WORD.fullmatch(text):
        return text
    import hashlib  # loads OpenSSL

    readable = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{readable}-{digest}" if readable[:1].isalpha() else f"x{readable}-{digest}"


@dataclass(frozen=True, slots=True)
class Wiring:
    """A component's place in a product. Every field has a default, so that a component works in any Pulumi program.

    A component without a wiring gets :meth:`standalone`: two components with the wiring ``Wiring()`` would share one
    place.

    Args:
        environment: Environment that the product is deployed to.
        domain: Data domain of the product.
        product: Name of the product.
        team: Name of the technical team that the product belongs to.
        port: The port or need that the component belongs to; ``code`` for the product's code.
        part: For a component inside another one: the part of the port that it is. The names of its resources contain
            it.
        role: The role in which the component is used, a :class:`alchemesh_platform.sdk.spec.Role`. A component with
            several roles can read it.
        models: The models of the port, by name.
        protocols: Protocols that a proxy must offer.
        access: Audience of the port, from its contract: ``restricted``, ``internal`` or ``public``; empty without one.
        freshness: Longest time from a change of the storage until consumers read it, from the contract; None if it
            promises none.
        storage: For a proxy: the outputs of the port's storage (values may be Pulumi outputs).
        storage_component: For a proxy: name of the component that the port's storage is.
        origin: For an input port from another product: ``domain/product/port``.
        schema: For an input port: the properties of the schema that the manifest declares; None if it declares none.
        connections: For code: outputs of the product's other components, ``{"inputs": {port: {"storage": …}},
            "outputs": {…}, "infrastructure": {…}}``, in the form of :class:`alchemesh_platform.connections.Connections`
            (values may be Pulumi outputs).
        needs: Component type of each need of the product, by name.
        upstream: For code: the output port of another product that an input port reads, ``domain/product/port``, by the
            name of the input port.
        foundations: Outputs of the foundation stacks of the environment, by role (``platform``, ``domain``); empty if
            the stack is not deployed.
        product_version: Version of the product.
        place: The place of the environment on this machine; None outside a deployment.
        product_root: Folder of the manifest. Relative paths in arguments start here.
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
    access: str = ""
    freshness: timedelta | None = None
    storage: Mapping[str, Any] = field(default_factory=dict)
    storage_component: str = ""
    origin: str | None = None
    schema: Mapping[str, SourceProperty] | None = None
    connections: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    upstream: Mapping[str, str] = field(default_factory=dict)
    foundations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    product_version: str = "0.0.0"
    product_root: str = "."
    place: Place | None = None

    @classmethod
    def standalone(cls, name: str, *, program: str, environment: str) -> Wiring:
        """The wiring of a component that belongs to no product: its own name keeps it apart from others.

        Args:
            name: Name of the component's Pulumi resource.
            program: Project of the Pulumi program.
            environment: Stack of the Pulumi program.
        """
        return cls(environment=_word(environment), product=_word(program), port=_word(name))

    @property
    def address(self) -> str:
        """``domain/product/port``."""
        return f"{self.domain}/{self.product}/{self.port}"
