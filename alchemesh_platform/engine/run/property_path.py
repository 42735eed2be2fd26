"""Paths of properties, as the engine writes them: ``tags.team``, ``columns[2].name``, ``labels["a.b"]``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

UNKNOWN = "[unknown]"

# Source: pulumi sdk/go/common/resource/property_path.go (ParsePropertyPath)
_PLAIN = re.compile(r"[A-Za-z_$][\w$]*")
_STEP = re.compile(r'\.?([^.\[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')


def by_name(path: str, kind: str, old: Any, new: Any) -> list[tuple[str, str, Any, Any]] | None:
    """The differences at a path that leads into a list of named items, with the name in the place of the number.

    Returns:
        Path, kind, old value and new value of each difference; None if the path leads into no such list. An item that
        another one replaces at its place is two differences.
    """
    for step in _STEP.finditer(path):
        if step[2] is None:
            continue
        head, at, rest = path[: step.start()], int(step[2]), path[step.end() :]
        before, after = _named(at_path(old, head)), _named(at_path(new, head))
        if before is None or after is None:
            return None
        gone, come = (list(items)[at] if at < len(items) else None for items in (before, after))
        name = gone if kind.startswith("delete") else come
        if name is None:
            return None
        if not rest and kind.startswith("update") and gone is not None and gone != come:
            found = [] if come in before else [(_below(head, name), "add", None, after[name])]
            return [*found, *([] if gone in after else [(_below(head, gone), "delete", before[gone], None)])]
        values = [items.get(name) for items in (before, after)]
        shown = [at_path(value, rest.removeprefix(".")) if rest and value is not None else value for value in values]
        return [(f"{_below(head, name)}{rest}", kind, shown[0], shown[1])]
    return None


def _named(items: Any) -> dict[str, Any] | None:
    """The items of a list by their unique names; None if they have none."""
    if not isinstance(items, Sequence) or isinstance(items, str):
        return None
    found = {item["name"]: item for item in items if isinstance(item, Mapping) and isinstance(item.get("name"), str)}
    return found if len(found) == len(items) else None


def _below(head: str, name: str) -> str:
    if _PLAIN.fullmatch(name):
        return f"{head}.{name}"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'{head}["{escaped}"]'


def unknown_paths(value: Any, head: str = "") -> Iterator[str]:
    """The paths of values that are known only after the deployment."""
    if value == UNKNOWN:
        yield head
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield from unknown_paths(child, _below(head, str(key)) if head else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, child in enumerate(value):
            yield from unknown_paths(child, f"{head}[{index}]")


def at_path(value: Any, path: str) -> Any:
    """The value at a path; None if the path does not exist."""
    if isinstance(value, Mapping) and path in value:
        return value[path]
    position = 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return None
        position = step.end()
        key, index, quoted = step.groups()
        if index is not None:
            found = int(index)
            value = (
                value[found]
                if isinstance(value, Sequence) and not isinstance(value, str) and found < len(value)
                else None
            )
        else:
            name = key if key is not None else quoted.replace('\\"', '"')
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is None:
            return None
    return value
