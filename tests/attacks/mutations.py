"""Mutations of documents: the same ones in every run."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

# Values that a document may have at any place, and that a reader may not expect.
STRANGE: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    10**400,
    1e308,
    float("nan"),
    float("-inf"),
    "",
    " ",
    "x" * 303,
    "x" * 70_000,
    "a/b",
    "../../etc/passwd",
    "/dev/zero",
    "file:///dev/zero",
    "line\nbreak",
    "null\x00byte",
    "\ud800",
    "\x1b]0;title\x07",
    "\u202egnp",
    "é" * 300,
    "${HOME}",
    "{{ x }}",
    "%s%n%d",
    "'; DROP TABLE products; --",
    "2026-02-30",
    "0d",
    "99999999999999999999d",
    "1.0.0-" + "9" * 300,
    [],
    [None],
    [[[[[[]]]]]],
    {},
    {"": ""},
    {"secret": "PATH"},
    {"secret": ""},
    {"x": {"y": {"z": []}}},
)

INSERTED = (b"- ", b"{", b"[" * 50, b"&a ", b"*a ", b"<<: ", b"!!python/none ", b"\xef\xbb\xbf", b"? ")


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value of a document, without its root."""
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def mutated(tree: Any, dice: random.Random) -> Any:
    """A copy of a document with one to three values replaced, removed, doubled, renamed or moved."""
    tree = copy.deepcopy(tree)
    for _ in range(dice.randint(1, 3)):
        everywhere = list(places(tree))
        if not everywhere:
            return tree
        *path, key = dice.choice(everywhere)
        parent = tree
        for step in path:
            parent = parent[step]
        act = dice.choice(("replace", "replace", "replace", "remove", "add", "move"))
        if act == "replace":
            parent[key] = copy.deepcopy(dice.choice(STRANGE))
        elif act == "remove":
            del parent[key]
        elif act == "add":
            strange = copy.deepcopy(dice.choice(STRANGE))
            if isinstance(parent, list):
                parent.insert(key, strange)
            else:
                parent[str(dice.choice(STRANGE))[:80]] = strange
        else:
            *other, _last = dice.choice(everywhere)
            moved: Any = tree
            for step in other:
                moved = moved[step]
            parent[key] = copy.deepcopy(moved)
    return tree


def damaged(text: str, dice: random.Random) -> bytes:
    """The bytes of a text with some of them changed, removed, repeated or inserted."""
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(dice.randint(1, 6)):
        if not data:
            break
        at, length = dice.randrange(len(data)), dice.choice((1, 1, 2, 8, 40))
        act = dice.choice(("change", "remove", "repeat", "insert", "cut"))
        if act == "change":
            data[at] = dice.choice(b"\x00\t\n !\"#%&'*,-:?@[]{|}>\x7f\x80\xc3\xe2\xff0a")
        elif act == "remove":
            del data[at : at + length]
        elif act == "repeat":
            data[at:at] = data[at : at + length] * dice.choice((2, 50))
        elif act == "insert":
            data[at:at] = dice.choice(INSERTED)
        elif len(data) > 40:
            del data[at:]
    return bytes(data)
