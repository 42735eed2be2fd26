"""Tracks which parts of an ODCS document were read, so that the import reports each part that it leaves out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from alchemesh_platform.base.problems import Problem, in_file_order
from alchemesh_platform.contracts.odcs.terms import VENDOR
from alchemesh_platform.documents.document import Node, Path, quoted, written
from alchemesh_platform.documents.patterns import RULES, corrected

if TYPE_CHECKING:
    from open_data_contract_standard.model import CustomProperty


class Custom(NamedTuple):
    """A custom property: its value, and its place."""

    value: Any
    path: Path


class Reading:
    """A document and its parts that were read. The import reports the parts that are left at the end."""

    def __init__(self, tree: Node, *, own: bool = False) -> None:
        self.own = own  # whether the platform wrote it
        self._tree = tree
        self._read_paths: set[Path] = set()
        self._entered: set[Path] = set()  # the parents of taken places
        self._problems: list[Problem] = []

    def take(self, *paths: Path) -> None:
        """Mark these places as read, with everything below them."""
        for path in paths:
            self._read_paths.add(path)
            self._entered.update(path[:length] for length in range(len(path)))

    def change(self, path: Path, found: str, read_as: str) -> None:
        """Report that a value is imported as another value."""
        self.take(path)
        self._report(path, f"found {quoted(found)}, taken as {quoted(read_as)}", None)

    def leave(self, path: Path, message: str, hint: str | None = None) -> None:
        """Report why a value is left out."""
        self.take(path)
        self._report(path, f"{message}: left out", hint)

    def text(self, path: Path, text: str, pattern: str, length: int, otherwise: str | None = None) -> str | None:
        """A text that must follow one of the manifest's patterns: unchanged, corrected, or replaced by another.

        Returns:
            None if it cannot be corrected or replaced.
        """
        if re.fullmatch(pattern, text) and len(text) <= length:
            self.take(path)
            return text
        better = corrected(pattern, text)
        better = better if better is not None and len(better) <= length else otherwise
        if better is None:
            self.leave(path, f"found {quoted(text)}, expected {RULES[pattern].words}")
        else:
            self.change(path, text, better)
        return better

    def customs(self, path: Path, customs: Iterable[CustomProperty] | None) -> dict[str, Custom]:
        """The custom properties of a place that may be the platform's, by name. They do not count as read yet."""
        found: dict[str, Custom] = {}
        for index, custom in enumerate(customs or ()):
            if custom.property is not None and custom.vendor in {None, VENDOR}:
                found.setdefault(custom.property, Custom(custom.value, (*path, "customProperties", index)))
        return found

    def problems(self) -> list[Problem]:
        """One warning for each kind of adapted or omitted value, with the number of places."""
        alike: dict[str, list[Path]] = {}
        for path in self._left(self._tree, ()):
            alike.setdefault(written(tuple(step if isinstance(step, str) else 0 for step in path)), []).append(path)
        for first, *more in alike.values():
            others = f", here and at {len(more)} more {'places' if len(more) > 1 else 'place'}" if more else ""
            name = next(step for step in reversed(first) if isinstance(step, str))
            self._report(first, f"found {name}, for which a manifest has no place: left out{others}", None)
        return in_file_order(self._problems)

    def _left(self, node: Node, path: Path) -> Iterator[Path]:
        is_empty = node.value is None or node.value is False or node.value in ("", [], {})
        if path in self._read_paths or is_empty:
            return
        if path not in self._entered:
            yield path
            return
        for key, value in node.keys.items():
            yield from self._left(value, (*path, key))
        for index, item in enumerate(node.items):
            yield from self._left(item, (*path, index))

    def _report(self, path: Path, message: str, hint: str | None) -> None:
        self._problems.append(Problem(self._tree.locate(path), written(path), message, hint, severity="warning"))


def fitting(expected: Any, value: Any) -> Any:
    """The value as a type of the manifest, or None if it does not fit the type."""
    from pydantic import TypeAdapter, ValidationError

    try:  # as strict JSON, like manifests
        return TypeAdapter(expected).validate_json(json.dumps(value), strict=True)
    except ValidationError:
        return None
