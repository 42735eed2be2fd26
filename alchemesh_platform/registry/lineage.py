"""Data lineage: the graph of source systems, products and their ports, from the records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from alchemesh_platform.registry.records import (
    DomainRecord,
    LineageRecord,
    PortRecord,
    ProductRecord,
    SourceSystemRecord,
    TeamRecord,
)

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

NodeKind = Literal["source system", "input", "product", "output"]


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the graph: a source system, a product or a port.

    Args:
        kind: Kind of the node.
        address: Its name in the mesh. A source system and a product may share one, so kind and address identify a node.
        product: Address of its product; for a product its own, for a source system None.
        missing: Whether a record refers to it although it is not recorded: never deployed here, or deleted.
        note: Further information: version, lifecycle and team of a product, technology of a source system, models
            of an output port.
    """

    kind: NodeKind
    address: str
    product: str | None = None
    missing: bool = False
    note: str = ""

    @property
    def id(self) -> str:
        """The unique id of the node."""
        return f"{self.kind}:{self.address}"

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.address.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Edge:
    """Data flows from ``source`` to ``target``, both ids of nodes; stale when one of them is missing."""

    source: str
    target: str
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Lineage:
    """The graph in one environment; nodes and edges in the order of their ids.

    Args:
        domains: The domains of the mesh, if a mesh repo was applied. Other nodes have no known domain.
        teams: Their teams.
    """

    environment: str
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    domains: tuple[DomainRecord, ...] = ()
    teams: tuple[TeamRecord, ...] = ()

    def noted(self, notes: Mapping[str, str]) -> Lineage:
        """The same graph with an added note for each product, by its address."""
        nodes = tuple(
            replace(node, note=f"{node.note}  {notes[node.address]}".strip())
            if node.kind == "product" and not node.missing and node.address in notes
            else node
            for node in self.nodes
        )
        return replace(self, nodes=nodes)

    def by_id(self) -> dict[str, Node]:
        """The nodes by their ids."""
        return {node.id: node for node in self.nodes}

    def targets(self) -> dict[str, list[str]]:
        """The nodes that each node's data flows to."""
        return _grouped((edge.source, edge.target) for edge in self.edges)

    def sources(self) -> dict[str, list[str]]:
        """The nodes that each node's data comes from."""
        return _grouped((edge.target, edge.source) for edge in self.edges)


def mesh_lineage(registry: Registry, environment: str) -> Lineage:
    """The lineage of everything in one environment."""
    return lineage_from(
        environment,
        registry.all(ProductRecord, environment),
        registry.all(PortRecord, environment),
        registry.all(LineageRecord, environment),
        registry.all(DomainRecord, environment),
        registry.all(TeamRecord, environment),
        registry.all(SourceSystemRecord, environment),
    )


def lineage_from(
    environment: str,
    products: Iterable[ProductRecord],
    ports: Iterable[PortRecord],
    flows: Iterable[LineageRecord],
    domains: Iterable[DomainRecord] = (),
    teams: Iterable[TeamRecord] = (),
    source_systems: Iterable[SourceSystemRecord] = (),
) -> Lineage:
    """The graph of the records. A node that records refer to but that is not recorded is marked as missing.

    Without domains, no mesh repo was applied: source systems are then known only from the ports that name them.
    """
    domains = tuple(domains)
    nodes: dict[str, Node] = {}
    edges: set[tuple[str, str]] = set()

    def known(node: Node) -> str:
        nodes.setdefault(node.id, node)
        return node.id

    def port_of(kind: Literal["input", "output"], address: str, product: str, **more: Any) -> str:
        port = known(Node(kind, address, product, **more))
        owner = known(Node("product", product, product, missing=True))
        edges.add((port, owner) if kind == "input" else (owner, port))
        return port

    for system in source_systems:
        known(Node("source system", system.address, note=system.technology))
    for product in products:
        note = f"{product.version} {product.lifecycle}{f'  team {product.team}' if domains else ''}"
        known(Node("product", product.address, product.address, note=note))
    for port in ports:
        port_of(port.direction, port.address, port.product, note=", ".join(port.models))
    for flow in flows:
        if flow.source_kind == "source_system":
            source = known(Node("source system", flow.source, missing=bool(domains)))
        else:
            source = port_of("output", flow.source, flow.source.rpartition("/")[0], missing=True)
        edges.add((source, port_of("input", flow.target, flow.product, missing=True)))
    return Lineage(
        environment,
        tuple(sorted(nodes.values(), key=lambda node: (node.address, node.kind))),
        tuple(
            Edge(source, target, stale=nodes[source].missing or nodes[target].missing)
            for source, target in sorted(edges)
        ),
        domains,
        tuple(teams),
    )


def lineage_of(lineage: Lineage, product: str) -> Lineage:
    """The part of a graph upstream and downstream of a product."""
    start = {node.id for node in lineage.nodes if node.product == product}
    wanted = _reached(start, lineage.sources()) | _reached(start, lineage.targets())
    return Lineage(
        lineage.environment,
        tuple(node for node in lineage.nodes if node.id in wanted),
        tuple(edge for edge in lineage.edges if edge.source in wanted and edge.target in wanted),
    )


def _reached(start: set[str], onward: Mapping[str, list[str]]) -> set[str]:
    reached = set(start)
    ahead = list(start)
    while ahead:
        fresh = [other for other in onward.get(ahead.pop(), ()) if other not in reached]
        reached.update(fresh)
        ahead.extend(fresh)
    return reached


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups
