"""Python source, for tests that read it."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def nodes_below(node: ast.AST) -> Iterator[ast.AST]:
    """Every node of a tree, as `ast.walk` gives them, but depth first and in half of the time."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += children(node)


class Syntax:
    """A tree, read once: all its nodes, and the node above each.

    Args:
        tree: The tree of a module.
    """

    def __init__(self, tree: ast.AST) -> None:
        self.nodes: list[ast.AST] = []
        self.parents: dict[ast.AST, ast.AST] = {}
        waiting = [tree]
        while waiting:
            node = waiting.pop()
            self.nodes.append(node)
            below = children(node)
            self.parents.update(dict.fromkeys(below, node))
            waiting += below

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes above a node, from the nearest."""
        while node in self.parents:
            node = self.parents[node]
            yield node


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes one step below a node."""
    found: list[ast.AST] = []
    for value in map(vars(node).get, node._fields):
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            found += [each for each in value if isinstance(each, ast.AST)]
    return found
