"""The graph of the records, and its drawing."""

from __future__ import annotations

import gc
import json
import time
from pathlib import Path

import pytest

from alchemesh_platform.registry.lineage import Lineage, lineage_from, lineage_of, mesh_lineage
from alchemesh_platform.registry.lineage_text import as_dot, as_flow, as_json, as_mermaid, as_tree
from alchemesh_platform.registry.records import LineageRecord, PortRecord, ProductRecord
from alchemesh_platform.registry.store import Registry

CASES = Path(__file__).with_name("cases")


def product(address: str, version: str = "1.0.0", lifecycle: str = "stable") -> ProductRecord:
    return ProductRecord(
        environment="local", address=address, team="team", owner="o@example.org", version=version, lifecycle=lifecycle
    )


def port(address: str, direction: str, *models: str) -> PortRecord:
    return PortRecord(
        environment="local",
        address=address,
        product=address.rpartition("/")[0],
        direction=direction,
        models=models,
    )


def flow(source: str, target: str, kind: str = "output_port") -> LineageRecord:
    return LineageRecord(
        environment="local",
        address=f"{source} -> {target}",
        product=target.rpartition("/")[0],
        source=source,
        source_kind=kind,
        target=target,
    )


def mesh() -> Lineage:
    """Two deployed products and one that is not, a product without ports, and a removed port."""
    return lineage_from(
        "local",
        [
            product("aviation/flights", "1.2.0"),
            product("insight/punctuality", "0.1.0", "development"),
            product("insight/alone"),
        ],
        [
            port("aviation/flights/departures", "input"),
            port("aviation/flights/airports", "input"),
            port("aviation/flights/flights-table", "output", "flight", "weather"),
            port("aviation/flights/raw-files", "output"),
            port("insight/punctuality/flights", "input"),
            port("insight/punctuality/old", "input"),
            port("insight/punctuality/by-carrier", "output", "carrier_delay"),
        ],
        [
            flow("aviation/dispatch", "aviation/flights/departures", "source_system"),
            flow("geography/airports/airports-table", "aviation/flights/airports"),
            flow("aviation/flights/flights-table", "insight/punctuality/flights"),
            flow("aviation/flights/old-table", "insight/punctuality/old"),
        ],
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
def test_the_drawing_of_a_mesh_matches_its_golden_file(name: str, draw, update: bool) -> None:
    drawn = f"{draw(mesh())}\n"
    golden = CASES / name
    if update:
        golden.write_text(drawn, encoding="utf-8")
    assert drawn == golden.read_text(encoding="utf-8")


def test_an_unrecorded_node_is_missing_and_its_edges_are_stale() -> None:
    graph = mesh()

    missing = {node.id for node in graph.nodes if node.missing}
    assert missing == {
        "product:geography/airports",
        "output:geography/airports/airports-table",
        "output:aviation/flights/old-table",
    }
    assert {edge for edge in graph.edges if edge.stale} == {
        edge for edge in graph.edges if edge.source in missing or edge.target in missing
    }
    assert any(edge.stale for edge in graph.edges)


def test_a_deleted_input_port_is_missing_while_its_lineage_is_recorded() -> None:
    graph = lineage_from("local", [product("a/b")], [], [flow("x/y/out", "a/b/in")])

    assert graph.by_id()["input:a/b/in"].missing
    assert not graph.by_id()["product:a/b"].missing


def test_a_source_system_and_a_product_of_one_name_are_two_nodes() -> None:
    graph = lineage_from(
        "local",
        [product("aviation/flights")],
        [port("aviation/flights/in", "input")],
        [flow("aviation/flights", "aviation/flights/in", "source_system")],
    )

    assert {node.id for node in graph.nodes} >= {"source system:aviation/flights", "product:aviation/flights"}
    assert not any(node.missing for node in graph.nodes)


def test_lineage_of_a_product_has_only_its_upstream_and_downstream() -> None:
    graph = lineage_of(mesh(), "aviation/flights")

    addresses = {node.address for node in graph.nodes}
    assert addresses == {node.address for node in mesh().nodes} - {"insight/alone"}

    downstream = {node.id for node in lineage_of(mesh(), "insight/punctuality").nodes}
    assert "output:aviation/flights/flights-table" in downstream
    assert "output:aviation/flights/raw-files" not in downstream, "what it does not read is not its lineage"
    assert "source system:aviation/dispatch" in downstream, "far as well as near"


def test_lineage_of_a_missing_product_is_empty() -> None:
    assert lineage_of(mesh(), "no/product") == Lineage("local")
    assert as_tree(Lineage("local")) == as_flow(Lineage("local")) == ""


def test_circle_is_drawn_once_and_ends() -> None:
    graph = lineage_from(
        "local",
        [product("a/one"), product("a/two")],
        [port(f"a/{name}/{side}put", f"{side}put") for name in ("one", "two") for side in ("in", "out")],
        [flow("a/one/output", "a/two/input"), flow("a/two/output", "a/one/input")],
    )

    drawn = as_flow(graph)

    assert drawn.count("(above)") == 1
    assert sorted(line.rpartition("─ ")[2] for line in drawn.splitlines()) == [
        "input  a/one/input ▶ a/one  1.0.0 stable  (above)",
        "input  a/two/input ▶ a/two  1.0.0 stable",
        "output  a/one/output",
        "output  a/two/output",
        "product  a/one  1.0.0 stable",
    ]
    assert len(lineage_of(graph, "a/one").nodes) == len(graph.nodes)


def test_labels_cannot_break_out_of_a_drawing() -> None:
    graph = lineage_from("local", [product("a/b", 'v"]; x[', "<b>&\\")], [], [])

    assert 'n0{{"a/b  v#quot;]; x[ #lt;b>#amp;\\"}}' in as_mermaid(graph)
    assert 'label="a/b  v\\"]; x[ <b>&\\\\"' in as_dot(graph)


def test_a_long_chain_of_products_is_drawn_without_stack_overflow() -> None:
    count = 1500
    graph = lineage_from(
        "local",
        [product(f"d/p{number}") for number in range(count)],
        [port(f"d/p{number}/{side}", side) for number in range(count) for side in ("input", "output")],
        [flow(f"d/p{number}/output", f"d/p{number + 1}/input") for number in range(count - 1)],
    )

    assert len(as_flow(graph).splitlines()) == 2 * count
    assert len(lineage_of(graph, "d/p700").nodes) == 3 * count


@pytest.mark.slow
def test_drawing_time_is_linear_in_the_size_of_the_mesh() -> None:
    def mesh(count: int) -> Lineage:
        return lineage_from(
            "local",
            [product(f"d/p{number}") for number in range(count)],
            [port(f"d/p{number}/{side}", side) for number in range(count) for side in ("input", "output")],
            [flow("d/p0/output", f"d/p{number}/input") for number in range(1, count)],
        )

    def seconds(graph: Lineage) -> float:
        # Of this thread alone, and without the collector, which scans the objects of other tests.
        gc.collect()
        gc.disable()
        started = time.thread_time()
        try:
            for draw in (as_tree, as_flow, as_mermaid, as_dot):
                draw(graph)
            lineage_of(graph, "d/p0")
            return time.thread_time() - started
        finally:
            gc.enable()

    seconds(mesh(100))  # warm
    small, large = (min(seconds(graph) for _ in range(3)) for graph in (mesh(400), mesh(3200)))
    assert large < 8 * small * 3, "eight times the products, allowed three times the time that takes"


def test_lineage_is_read_from_the_registry_of_one_environment(fresh_url: str, environment: str) -> None:
    with Registry.open(fresh_url) as registry:
        for record in (
            product("a/b"),
            port("a/b/in", "input"),
            port("a/b/out", "output"),
            flow("a/source", "a/b/in", "source_system"),
        ):
            registry.put(record.model_copy(update={"environment": environment}))
        registry.put(product("a/elsewhere"))

        graph = mesh_lineage(registry, environment)

    assert [(edge.source, edge.target) for edge in graph.edges] == [
        ("input:a/b/in", "product:a/b"),
        ("product:a/b", "output:a/b/out"),
        ("source system:a/source", "input:a/b/in"),
    ]
