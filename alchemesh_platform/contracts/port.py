"""The promise of an output port to its consumers: contract, models and protocols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from alchemesh_platform.documents.document import Node, Path
from alchemesh_platform.manifest.models import Contract, DataProduct, OutputPort, SemanticModel

MODELS, PROTOCOLS, CONTRACT = "models", "protocols", "contract"  # the first step of a path in a promised port


@dataclass(frozen=True, slots=True)
class PromisedPort:
    """An output port as a consumer sees it.

    Args:
        contract: The contract, or None.
        models: The exposed models, by name.
        protocols: Protocols for consumers: those of the proxy. Without a proxy, the storage's component type, since
            consumers then access the storage itself.
    """

    contract: Contract | None = None
    models: Mapping[str, SemanticModel] = field(default_factory=dict)
    protocols: tuple[str, ...] = ()

    @property
    def period(self) -> timedelta | None:
        """The notice period of its contract."""
        return self.contract.terms.notice_period if self.contract is not None else None


def promised_port(product: DataProduct, port: OutputPort) -> PromisedPort:
    """The promise of one output port of a manifest."""
    protocols: tuple[str, ...] = port.proxy.protocols if port.proxy is not None else (port.storage.component_type,)
    return PromisedPort(port.contract, {name: product.models[name] for name in port.models}, protocols)


def promised_ports(product: DataProduct) -> dict[str, PromisedPort]:
    """The promise of each output port, in the order of the manifest."""
    return {port.name: promised_port(product, port) for port in product.output_ports}


def place_in_manifest(path: Path, tree: Node, port: str) -> Path:
    """The place in the manifest of a path in a promised port, or of its nearest parent if it was removed.

    Args:
        path: A path such as ``("models", "flight", "properties", "carrier")``. Quality rules are identified by name.
        tree: The manifest.
        port: Name of the output port.
    """
    found = next((place for place, node in tree.each("output_ports") if node.keys.get("name", node).text == port), None)
    if found is None:
        return ("output_ports",)
    section, inside = path[:1], path[1:]
    if section == (PROTOCOLS,):
        return _nearest(tree, (*found, "proxy", PROTOCOLS))
    if section == (MODELS,) and len(inside) > 1 and tree.get(*path[:2]) is not None:
        return _nearest(tree, path)
    if section == (MODELS,):  # the port itself lists its exposed models
        return _nearest(tree, (*found, MODELS))
    return _nearest(tree, (*found, *path))


def _nearest(tree: Node, path: Path) -> Path:
    node, place = tree, list[str | int]()
    for step in path:
        if node.items and isinstance(step, str):
            index = next((at for at, item in enumerate(node.items) if item.keys.get("name", item).text == step), None)
            if index is None:
                break
            step = index  # noqa: PLW2901 - the same step, as the document counts it
        below = node.child(step)
        if below is None:
            break
        node = below
        place.append(step)
    return tuple(place)
