"""Checks across several manifests: products with the same name, ports that do not exist, and cycles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alchemesh_platform.base.names import product_address
from alchemesh_platform.base.problems import Problem, did_you_mean
from alchemesh_platform.documents.document import Node, Path, quoted, written


class _Input(NamedTuple):
    """An input port that reads another of the products."""

    path: Path
    node: Node
    product: str
    port: Node | None


def check_together(trees: Sequence[Node]) -> list[Problem]:
    """Every problem that only several manifests together show.

    Args:
        trees: The documents. Invalid values in them are skipped.
    """
    products: dict[str, Node] = {}
    problems: list[Problem] = []
    for tree in trees:
        address = _address(tree)
        if address is None:
            continue
        if address in products:
            place = tree.keys["name"].location
            hint = f"{products[address].keys['name'].location} has it too: one of the two needs another name or domain"
            problems.append(
                Problem(place, "name", f"found the product {address} again, expected each product once", hint)
            )
        else:
            products[address] = tree
    inputs = {address: list(_inputs(tree)) for address, tree in products.items()}
    for listed in inputs.values():
        problems += (problem for one in listed if one.product in products for problem in _port(one, products))
    return [*problems, *_cycles(inputs)]


def _address(tree: Node) -> str | None:
    domain, name = tree.get("domain"), tree.get("name")
    if domain is None or name is None or domain.text is None or name.text is None:
        return None
    return product_address(domain.text, name.text)


def _inputs(tree: Node) -> Iterator[_Input]:
    own = _address(tree)
    for place, port in tree.each("input_ports"):
        product = port.get("from", "data_product")
        # The check of a product's own manifest reports that it reads itself.
        if product is not None and product.text is not None and product.text != own:
            yield _Input((*place, "from"), product, product.text, port.get("from", "output_port"))


def _port(one: _Input, products: dict[str, Node]) -> Iterator[Problem]:
    if one.port is None or one.port.text is None:
        return
    ports = [
        name.text
        for _, port in products[one.product].each("output_ports")
        if (name := port.keys.get("name")) is not None and name.text is not None
    ]
    if one.port.text not in ports:
        yield Problem(
            one.port.location,
            written((*one.path, "output_port")),
            f"found {quoted(one.port.text)}, expected an output port of {one.product}",
            did_you_mean(one.port.text, ports) or f"{one.product} has no output port",
        )


def _cycles(inputs: dict[str, list[_Input]]) -> Iterator[Problem]:
    """One problem for each input port that closes a cycle, found by a depth-first search through the products."""
    done: set[str] = set()
    for start, first in inputs.items():
        trail: dict[str, Iterator[_Input]] = {} if start in done else {start: iter(first)}
        while trail:
            here = next(reversed(trail))
            one = next(trail[here], None)
            if one is None:
                done.add(here)
                del trail[here]
            elif one.product in trail:
                names = list(trail)
                cycle = [*names[names.index(one.product) :], one.product]
                yield Problem(
                    one.node.location,
                    written((*one.path, "data_product")),
                    f"found a cycle of products, expected none: {' reads '.join(cycle)}",
                    "data flows one way: split one of the products, or read what comes before it",
                )
            elif one.product in inputs and one.product not in done:
                trail[one.product] = iter(inputs[one.product])
