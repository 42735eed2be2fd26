"""Checks across several manifests."""

from __future__ import annotations

import time

import pytest

from alchemesh_platform.base.problems import in_file_order
from alchemesh_platform.documents.document import Node
from alchemesh_platform.documents.yaml_source import parse
from alchemesh_platform.manifest.cycles import check_together


def product(name: str, *reads: str, ports: tuple[str, ...] = ("table",)) -> Node:
    """A manifest that reads from output ports, each ``domain/product/port``."""
    lines = [f"name: {name}", "domain: d"]
    if reads:
        lines.append("input_ports:")
        for index, read in enumerate(reads):
            address, _, port = read.rpartition("/")
            lines.append(f"  - {{name: in-{index}, from: {{data_product: {address}, output_port: {port}}}}}")
    if ports:
        lines.append("output_ports:")
        lines += [f"  - {{name: {port}}}" for port in ports]
    tree, problems = parse("\n".join(lines), f"{name}.yaml")
    assert not problems
    return tree


def reported(*trees: Node) -> list[str]:
    return [str(problem) for problem in in_file_order(check_together(trees))]


def test_products_that_read_one_way_have_no_problem() -> None:
    assert reported(product("a"), product("b", "d/a/table"), product("c", "d/a/table", "d/b/table")) == []


def test_product_outside_the_given_ones_is_ignored() -> None:
    assert reported(product("a", "d/elsewhere/table")) == []


def test_whole_cycle_is_reported_at_the_input_port_that_closes_it() -> None:
    assert reported(product("a", "d/c/table"), product("b", "d/a/table"), product("c", "d/b/table")) == [
        "b.yaml:4:39  input_ports[0].from.data_product: found a cycle of products, expected none: "
        "d/a reads d/c reads d/b reads d/a\n\n"
        "hint: data flows one way: split one of the products, or read what comes before it"
    ]


def test_each_of_two_cycles_is_reported() -> None:
    found = reported(product("a", "d/b/table", "d/c/table"), product("b", "d/a/table"), product("c", "d/a/table"))
    assert [problem.partition("  ")[0] for problem in found] == ["b.yaml:4:39", "c.yaml:4:39"]


def test_product_that_reads_itself_is_left_to_the_check_of_its_own_manifest() -> None:
    assert reported(product("a", "d/a/table")) == []


def test_port_that_the_other_product_does_not_have_names_the_closest() -> None:
    (problem,) = reported(product("a", ports=("flights-table", "raw")), product("b", "d/a/flight-table"))
    assert problem == (
        "b.yaml:4:57  input_ports[0].from.output_port: found 'flight-table', expected an output port of d/a\n\n"
        "hint: did you mean 'flights-table'?"
    )


def test_two_products_of_one_name() -> None:
    first, second = product("a"), product("a")
    (problem,) = reported(first, second)
    assert "found the product d/a again, expected each product once" in problem
    assert "a.yaml:1:7 has it too" in problem


def test_mistakes_in_single_manifests_are_ignored() -> None:
    odd = [
        parse(text, "odd.yaml")[0]
        for text in (
            "name: a",
            "name: [a]\ndomain: d",
            "name: a\ndomain: d\ninput_ports: x",
            "name: b\ndomain: d\ninput_ports: [x, {from: y}, {from: {data_product: 3}}, {from: {data_product: d/a}}]",
        )
    ]
    assert reported(*odd) == []


@pytest.mark.slow
def test_a_long_chain_and_a_large_mesh_are_checked_in_linear_time() -> None:
    chain = [product("p0"), *(product(f"p{index}", f"d/p{index - 1}/table") for index in range(1, 3000))]
    started = time.thread_time()  # of this thread alone
    assert reported(*reversed(chain)) == []
    assert time.thread_time() - started < 2
