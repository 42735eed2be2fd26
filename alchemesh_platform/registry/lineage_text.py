"""Lineage as text: trees for a terminal, Mermaid and DOT for pictures, JSON for programs. No side effects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alchemesh_platform.registry.lineage import Lineage, Node
from alchemesh_platform.registry.records import TeamRecord

BRANCH, LAST, LINE, GAP = "├─ ", "└─ ", "│  ", "   "
MISSING = "(missing)"
ABOVE = "(above)"

MERMAID_SHAPES = {
    "source system": ("[(", ")]"),
    "input": ("([", "])"),
    "product": ("{{", "}}"),
    "output": ("[", "]"),
}
DOT_SHAPES = {"source system": "cylinder", "input": "cds", "product": "hexagon", "output": "box"}


def as_json(lineage: Lineage) -> dict[str, Any]:
    """The graph as one JSON object with ``environment``, ``nodes``, ``edges`` and ``domains``, each with its teams."""
    teams = _by_domain(lineage.teams)
    return {
        "environment": lineage.environment,
        "nodes": [
            {
                "id": node.id,
                "kind": node.kind,
                "address": node.address,
                "product": node.product,
                "missing": node.missing,
                "note": node.note,
            }
            for node in lineage.nodes
        ],
        "edges": [{"source": edge.source, "target": edge.target, "stale": edge.stale} for edge in lineage.edges],
        "domains": [
            {
                "name": domain.address,
                "type": domain.type,
                "owner": domain.owner,
                "description": domain.description,
                "teams": [
                    {"name": team.name, "kind": team.team_kind, "members": list(team.members)}
                    for team in teams.get(domain.address, ())
                ],
            }
            for domain in lineage.domains
        ],
    }


def as_flow(lineage: Lineage) -> str:
    """A tree that follows the data from its entry points. It shows each node once."""
    nodes, targets, sources = lineage.by_id(), lineage.targets(), lineage.sources()
    lines: list[str] = []
    drawn: set[str] = set()
    roots = [node.id for node in lineage.nodes if node.id not in sources]
    # A cycle has no entry point. The tree shows it from one of its nodes.
    for root in [*roots, *nodes]:
        if root in drawn:
            continue
        ahead = [(root, "", "")]
        while ahead:
            id, lead, below = ahead.pop()  # noqa: A001 - the node's own name
            label, onward = _step(nodes, targets, id)
            repeated = onward in drawn
            drawn.update((id, onward))
            lines.append(f"{lead}{label}{f'  {ABOVE}' if repeated else ''}")
            children = [] if repeated else targets.get(onward, [])
            for at, child in reversed(list(enumerate(children, start=1))):
                last = at == len(children)
                ahead.append((child, below + (LAST if last else BRANCH), below + (GAP if last else LINE)))
    return "\n".join(lines)


def _step(nodes: dict[str, Node], targets: dict[str, list[str]], id: str) -> tuple[str, str]:  # noqa: A002
    """The line of a node, and the node to continue from: an input port shares a line with its product."""
    node = nodes[id]
    products = [nodes[target] for target in targets.get(id, ()) if nodes[target].kind == "product"]
    if node.kind == "input" and len(products) == 1:
        return f"{_label_with_kind(node)} ▶ {_label(products[0], products[0].address)}", products[0].id
    return _label_with_kind(node), id


def _label_with_kind(node: Node) -> str:
    return f"{node.kind}  {_label(node, node.address)}"


def _label(node: Node, name: str) -> str:
    return "  ".join(part for part in (name, node.note, MISSING if node.missing else "") if part)


def as_tree(lineage: Lineage) -> str:
    """A tree of domains, teams, source systems and products, with the source or target of each port's data."""
    nodes, targets, sources = lineage.by_id(), lineage.targets(), lineage.sources()
    domains: dict[str, list[Node]] = {domain.address: [] for domain in lineage.domains}
    teams = _by_domain(lineage.teams)
    titles = _titles(lineage)
    ports: dict[str, list[Node]] = {}
    for node in lineage.nodes:
        if node.kind in {"input", "output"}:
            ports.setdefault(node.product or "", []).append(node)
        else:
            domains.setdefault(node.address.partition("/")[0], []).append(node)

    def port_branch(port: Node, width: int) -> Branch:
        into = port.kind == "input"
        others = [nodes[other] for other in (sources if into else targets).get(port.id, ())]
        label = f"{port.kind:<6}  {_label(port, f'{port.name:<{width}}')}"
        if into and len(others) == 1:  # true for every input port, unless the record is stale
            return Branch(f"{label}  from {_other(others[0])}")
        return Branch(label.rstrip(), [Branch(f"{'from' if into else 'read by'} {_other(other)}") for other in others])

    def member_branch(member: Node) -> Branch:
        if member.kind == "source system":
            return Branch(_label_with_kind(replace(member, address=member.name)))
        inside = sorted(ports.get(member.address, ()), key=lambda port: (port.kind, port.name))
        width = max((len(port.name) for port in inside), default=0)
        return Branch(f"product  {_label(member, member.name)}", [port_branch(port, width) for port in inside])

    lines: list[str] = []
    for domain, members in sorted(domains.items()):
        members.sort(key=lambda member: (member.kind == "product", member.name))
        lines.append(titles(domain))
        lines.extend(_drawn([*map(_team_branch, teams.get(domain, ())), *map(member_branch, members)]))
    return "\n".join(lines)


def _team_branch(team: TeamRecord) -> Branch:
    count = len(team.members)
    return Branch(f"team  {team.name}  {team.team_kind}  {count} {'member' if count == 1 else 'members'}")


def _by_domain(teams: Iterable[TeamRecord]) -> dict[str, list[TeamRecord]]:
    groups: dict[str, list[TeamRecord]] = {}
    for team in teams:
        groups.setdefault(team.domain, []).append(team)
    return groups


def _titles(lineage: Lineage) -> Callable[[str], str]:
    """The title of a domain: its name, with type and owner if a mesh repo was applied."""
    known = {domain.address: domain for domain in lineage.domains}

    def title(name: str) -> str:
        domain = known.get(name)
        if domain is not None:
            return f"{name}  {domain.type}  owner {domain.owner}"
        return f"{name}  {MISSING}" if known else name

    return title


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of a tree, with its children."""

    label: str
    children: Sequence[Branch] = ()


def _drawn(branches: Sequence[Branch], lead: str = "") -> Iterator[str]:
    for at, branch in enumerate(branches, start=1):
        last = at == len(branches)
        yield f"{lead}{LAST if last else BRANCH}{branch.label}"
        yield from _drawn(branch.children, lead + (GAP if last else LINE))


def _other(node: Node) -> str:
    kind = "source system " if node.kind == "source system" else ""
    return f"{kind}{node.address}{f'  {MISSING}' if node.missing else ''}"


def as_mermaid(lineage: Lineage) -> str:
    """A Mermaid flowchart for Markdown. Source: https://mermaid.js.org/syntax/flowchart.html"""
    names = {node.id: f"n{at}" for at, node in enumerate(lineage.nodes)}

    def drawn(node: Node) -> str:
        opening, closing = MERMAID_SHAPES[node.kind]
        label = _label(node, node.name if node.kind in {"input", "output"} else node.address)
        return f"{names[node.id]}{opening}{_mermaid_escaped(label)}{closing}{':::missing' if node.missing else ''}"

    lines = ["flowchart LR"]
    for at, (title, nodes) in enumerate(_groups(lineage)):
        lead = "  "
        if title is not None:
            lines.append(f"  subgraph d{at} [{_mermaid_escaped(title)}]")
            lead = "    "
        for product, members in _by_product(nodes):
            if product is None:
                lines += [f"{lead}{drawn(node)}" for node in members]
            else:
                lines.append(f"{lead}subgraph {names[f'product:{product}']}s [{_mermaid_escaped(product)}]")
                lines += [f"{lead}  {drawn(node)}" for node in members]
                lines.append(f"{lead}end")
        if title is not None:
            lines.append("  end")
    for edge in lineage.edges:
        arrow = "-. missing .->" if edge.stale else "-->"
        lines.append(f"  {names[edge.source]} {arrow} {names[edge.target]}")
    if any(node.missing for node in lineage.nodes):
        lines.append("  classDef missing stroke-dasharray: 4 4")
    return "\n".join(lines)


def _mermaid_escaped(text: str) -> str:
    return '"' + text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;") + '"'


def as_dot(lineage: Lineage) -> str:
    """A DOT graph for Graphviz. Source: https://graphviz.org/doc/info/lang.html"""
    lines = ["digraph lineage {", "  rankdir=LR;", "  node [fontname=sans];", "  edge [fontname=sans];"]

    def drawn(node: Node) -> str:
        label = _label(node, node.name if node.kind in {"input", "output"} else node.address)
        style = ", style=dashed" if node.missing else ""
        return f"{_quoted(node.id)} [label={_quoted(label)}, shape={DOT_SHAPES[node.kind]}{style}];"

    for title, nodes in _groups(lineage):
        lead = "  "
        if title is not None:
            name = title.partition(" ")[0]
            lines += [f"  subgraph {_quoted(f'cluster {name}')} {{", f"    label={_quoted(title)};"]
            lead = "    "
            if not nodes:  # Graphviz would not draw an empty cluster
                lines.append(f"    {_quoted(f'domain:{name}')} [label={_quoted('')}, shape=point, style=invis];")
        for product, members in _by_product(nodes):
            if product is None:
                lines += [f"{lead}{drawn(node)}" for node in members]
            else:
                lines += [f"{lead}subgraph {_quoted(f'cluster {product}')} {{", f"{lead}  label={_quoted(product)};"]
                lines += [f"{lead}  {drawn(node)}" for node in members]
                lines.append(f"{lead}}}")
        if title is not None:
            lines.append("  }")
    for edge in lineage.edges:
        style = " [style=dashed, label=missing]" if edge.stale else ""
        lines.append(f"  {_quoted(edge.source)} -> {_quoted(edge.target)}{style};")
    return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _groups(lineage: Lineage) -> list[tuple[str | None, list[Node]]]:
    """The nodes of each domain under its title if a mesh repo was applied; otherwise all nodes without a title."""
    if not lineage.domains:
        return [(None, list(lineage.nodes))]
    groups: dict[str, list[Node]] = {domain.address: [] for domain in lineage.domains}
    for node in lineage.nodes:
        groups.setdefault(node.address.partition("/")[0], []).append(node)
    title = _titles(lineage)
    return [(title(domain), nodes) for domain, nodes in sorted(groups.items())]


def _by_product(nodes: Iterable[Node]) -> list[tuple[str | None, list[Node]]]:
    """Nodes without a product first, then each product with its ports."""
    groups: dict[str | None, list[Node]] = {None: []}
    for node in nodes:
        groups.setdefault(node.product, []).append(node)
    return list(groups.items())
