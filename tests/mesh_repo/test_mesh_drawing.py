"""The diagram of a mesh after an apply: domains with type, owner, teams and source systems."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alchemesh_platform.mesh_repo.apply import apply_mesh
from alchemesh_platform.registry.lineage import Lineage, lineage_from, mesh_lineage
from alchemesh_platform.registry.lineage_text import as_dot, as_flow, as_json, as_mermaid, as_tree
from alchemesh_platform.registry.records import LineageRecord, PortRecord
from alchemesh_platform.registry.store import Registry
from tests.mesh_repo.meshes import airport_mesh, domain, inflow, product

CASES = Path(__file__).with_name("drawings")


def port(address: str, direction: str, *models: str) -> PortRecord:
    return PortRecord(
        environment="local", address=address, product=address.rpartition("/")[0], direction=direction, models=models
    )


def drawn_mesh() -> Lineage:
    """Products of a domain that is declared and of one that is not, a source system that is not, an empty domain."""
    mesh = airport_mesh("local", domain("local", "sales", "aggregated"))
    return lineage_from(
        "local",
        [product("local", "aviation/flights"), product("local", "baggage/belts", "handlers")],
        [
            port("aviation/flights/departures", "input"),
            port("aviation/flights/gates", "input"),
            port("aviation/flights/flights-table", "output", "flight"),
            port("baggage/belts/flights", "input"),
        ],
        [
            inflow("local", "aviation/dispatch", "aviation/flights/departures"),
            inflow("local", "aviation/gate-control", "aviation/flights/gates"),
            LineageRecord(
                environment="local",
                address="aviation/flights/flights-table -> baggage/belts/flights",
                product="baggage/belts",
                source="aviation/flights/flights-table",
                source_kind="output_port",
                target="baggage/belts/flights",
            ),
        ],
        mesh.domains.values(),
        mesh.teams.values(),
        mesh.source_systems.values(),
    )


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("mesh-tree.txt", as_tree),
        ("mesh-flow.txt", as_flow),
        ("mesh.mmd", as_mermaid),
        ("mesh.dot", as_dot),
        ("mesh.json", lambda graph: json.dumps(as_json(graph), indent=2)),
    ],
)
def test_mesh_is_drawn_as_its_golden_file(name: str, draw, update: bool) -> None:
    drawn = f"{draw(drawn_mesh())}\n"
    if update:
        CASES.mkdir(exist_ok=True)
        (CASES / name).write_text(drawn, encoding="utf-8")
    assert drawn == (CASES / name).read_text(encoding="utf-8")


def test_source_system_that_the_mesh_does_not_declare_is_missing() -> None:
    assert {node.id for node in drawn_mesh().nodes if node.missing} == {"source system:aviation/gate-control"}


def test_without_a_mesh_repo_no_source_system_and_no_domain_is_missing() -> None:
    lineage = lineage_from(
        "local",
        [product("local", "aviation/flights")],
        [port("aviation/flights/departures", "input")],
        [inflow("local", "aviation/dispatch", "aviation/flights/departures")],
    )

    assert not any(node.missing for node in lineage.nodes)
    assert "missing" not in as_tree(lineage) + as_dot(lineage) + as_mermaid(lineage)
    assert as_tree(lineage).startswith("aviation\n├─ source system  dispatch\n")


def test_mesh_is_read_from_the_registry(fresh_url: str, environment: str) -> None:
    with Registry.open(fresh_url) as registry:
        apply_mesh(registry, environment, airport_mesh(environment))
        lineage = mesh_lineage(registry, environment)

    assert [each.address for each in lineage.domains] == ["aviation", "operations"]
    assert [each.address for each in lineage.teams] == ["aviation/flight-data", "operations/desk"]
    assert [(node.id, node.note, node.missing) for node in lineage.nodes] == [
        ("source system:aviation/dispatch", "Oracle", False)
    ]
