"""A document that a person wrote: plain data, with the place of every value in its file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from alchemesh_platform.base.problems import Location

Path: TypeAlias = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"[\w-]+", re.ASCII)
_SHOWN_MAX = 60  # characters of a value that a message repeats


class Node(NamedTuple):
    """A value with its place: a text, number, boolean or None, a ``dict[str, Node]``, or a ``list[Node]``.

    A value without a key (in a list, or at the top) has its own place as the place of its key. ``broken`` marks a value
    that could not be read. ``written`` is the text of a number with a fraction: a price must not lose digits.
    """

    value: Any
    file: str
    line: int = 1
    column: int = 1
    key_line: int = 1
    key_column: int = 1
    broken: bool = False
    written: str = ""

    @property
    def location(self) -> Location:
        """The place where the value begins."""
        return Location(self.file, self.line, self.column)

    @property
    def key_location(self) -> Location:
        """The place where the key begins."""
        return Location(self.file, self.key_line, self.key_column)

    @property
    def text(self) -> str | None:
        """The value if it is a text, or None."""
        return self.value if isinstance(self.value, str) else None

    @property
    def keys(self) -> Mapping[str, Node]:
        """The entries of a mapping; empty for any other value, so that a check can read a document with errors."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> Sequence[Node]:
        """The items of a list; empty for any other value."""
        return self.value if isinstance(self.value, list) else ()

    def get(self, *path: str | int) -> Node | None:
        """The value at a path, or None if it does not exist."""
        node = self
        for step in path:
            found = node.child(step)
            if found is None:
                return None
            node = found
        return node

    def child(self, step: str | int) -> Node | None:
        """The value one step below, or None if it does not exist."""
        if isinstance(step, str):
            return self.keys.get(step)
        return self.items[step] if 0 <= step < len(self.items) else None

    def locate(self, path: Path) -> Location:
        """The place where the value at a path begins, or the place of its nearest parent if there is no such value."""
        node = self
        for step in path:
            found = node.child(step)
            if found is None:
                break
            node = found
        return node.location

    def each(self, section: str) -> Iterator[tuple[Path, Node]]:
        """The items of the list under a key, with their paths."""
        listed = self.keys.get(section)
        if listed is not None:
            for index, item in enumerate(listed.items):
                yield (section, index), item

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value


def node_of(data: Any, file: str) -> Node:
    """Plain data as a document, for data without a file, such as the built-in platform."""
    if isinstance(data, Mapping):
        return Node({str(key): node_of(value, file) for key, value in data.items()}, file)
    if isinstance(data, list | tuple):
        return Node([node_of(value, file) for value in data], file)
    return Node(data, file)


def merge(base: Node, over: Node) -> Node:
    """The document merged with an overlay. Each value keeps its own place.

    Mappings merge key by key. Lists of named items (not empty, each item a mapping with a ``name``) merge by that name;
    items with a new name are appended. Every other value is replaced, including an empty list and null.
    """
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        merged = dict(base.value)
        for key, value in over.value.items():
            merged[key] = merge(merged[key], value) if key in merged else value
        return base._replace(value=merged)
    if _named(base) and _named(over):
        items = list(base.value)
        first: dict[Any, int] = {}
        for index, item in enumerate(items):
            first.setdefault(item.value["name"].value, index)
        for item in over.value:
            # Keep a name twice that occurs twice in the overlay, so that the check for duplicate names finds it.
            index = first.pop(item.value["name"].value, -1)
            if index < 0:
                items.append(item)
            else:
                items[index] = merge(items[index], item)
        return base._replace(value=items)
    return over


def _named(node: Node) -> bool:
    return bool(node.items) and all("name" in item.keys and item.keys["name"].text is not None for item in node.items)


def written(path: Path) -> str:
    """A path as people write it: ``output_ports[0].storage.component``."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif _PLAIN_KEY.fullmatch(step):
            parts.append(f".{step}" if parts else step)
        else:
            parts.append(f"[{quoted(step)}]")
    return "".join(parts)


def quoted(text: str) -> str:
    """A text in quotes, cut when it is long, with control characters made visible."""
    return repr(text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1] + "…")


def listed(words: Iterable[str], last: str) -> str:
    """Words as a sentence lists them: ``a, b and c``."""
    *most, end = words
    return f"{', '.join(most)} {last} {end}" if most else end


def described(value: Any) -> str:
    """A value as a message names it: ``'columnar-tabel'``, ``the number 3``, ``a list``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value) if value else "an empty text"
    if isinstance(value, int | float):
        return f"the number {value}"
    kind = "list" if isinstance(value, list | tuple) else "mapping"
    return f"a {kind}" if value else f"an empty {kind}"
