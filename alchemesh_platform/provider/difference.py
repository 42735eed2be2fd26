"""Compare two sets of inputs, property by property."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

from alchemesh_platform.provider.values import Secret

Kind = Literal["add", "delete", "update"]

_PLAIN_NAME = re.compile(r"[A-Za-z_$][\w$]*")


def difference(old: Mapping[str, Any], new: Mapping[str, Any], *, by_name: Collection[str] = ()) -> dict[str, Kind]:
    """The kind of change of each property path.

    Null equals a missing value. A value that becomes secret, or stops being secret, differs. Paths are Pulumi's:
    ``columns[3].type``, ``needs["a.b"]``. A path covers all paths below it.

    Args:
        by_name: Top-level lists whose items have names: items are compared by name, and their order does not matter.
            A path has the place in the new list, for an item that is gone the place in the old one. If another item
            takes its place, the path is an update.
    """
    named = {name for name in by_name if _has_names(old.get(name)) and _has_names(new.get(name))}
    kinds: dict[str, Kind] = {}
    for name in {**old, **new}:
        path = join("", name)
        if name in named:
            kinds |= _differ_by_name(path, old[name], new[name])
        else:
            kinds |= _differ_part(path, old.get(name), new.get(name))
    return kinds


def top_level(path: str) -> str:
    """The property that a path starts with."""
    match = re.match(r'\["((?:[^"\\]|\\.)*)"\]|[^.\[]+', path)
    if match is None:
        return path
    return match[1].replace('\\"', '"').replace("\\\\", "\\") if match[1] is not None else match[0]


def join(path: str, part: str | int) -> str:
    """The path of an item or property below a path."""
    if isinstance(part, int):
        return f"{path}[{part}]"
    if _PLAIN_NAME.fullmatch(part):
        return f"{path}.{part}" if path else part
    escaped = part.replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}["{escaped}"]'


def _has_names(items: Any) -> bool:
    """Whether the items of a list are mappings with unique names."""
    if not isinstance(items, list | tuple) or not all(isinstance(item, Mapping) for item in items):
        return False
    names = [item.get("name") for item in items]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def _differ_by_name(path: str, old: Sequence[Any], new: Sequence[Any]) -> dict[str, Kind]:
    before = {item["name"]: item for item in old}
    kinds: dict[str, Kind] = {}
    for at, item in enumerate(new):
        if item["name"] in before:
            kinds |= _differ(join(path, at), before[item["name"]], item)
        else:
            kinds[join(path, at)] = "add"
    names = {item["name"] for item in new}
    for at, item in enumerate(old):
        if item["name"] not in names:
            place = join(path, at)
            taken = any(each == place or each.startswith((f"{place}.", f"{place}[")) for each in kinds)
            kinds[place] = "update" if taken else "delete"
    return kinds


def _differ(path: str, old: Any, new: Any) -> Iterator[tuple[str, Kind]]:
    if isinstance(old, Secret) and isinstance(new, Secret):
        old, new = old.value, new.value
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in {**old, **new}:
            yield from _differ_part(join(path, name), old.get(name), new.get(name))
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple):
        for at in range(max(len(old), len(new))):
            before = old[at] if at < len(old) else None
            after = new[at] if at < len(new) else None
            if at >= len(old):
                yield join(path, at), "add"
            elif at >= len(new):
                yield join(path, at), "delete"
            else:
                yield from _differ(join(path, at), before, after)
    elif not _same(old, new):
        yield path, "update"


def _differ_part(path: str, old: Any, new: Any) -> Iterator[tuple[str, Kind]]:
    if old is None and new is None:
        return
    if old is None:
        yield path, "add"
    elif new is None:
        yield path, "delete"
    else:
        yield from _differ(path, old, new)


def _same(old: Any, new: Any) -> bool:
    # In Python, True equals 1. In a manifest, it does not.
    return isinstance(old, bool) == isinstance(new, bool) and bool(old == new)
