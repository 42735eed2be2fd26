"""Compares two JSON Schemas: the documents that the old one accepts, and the new one does not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

_LOWER = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "minLength": "at least",
    "minItems": "at least",
    "minProperties": "at least",
}
_UPPER = {
    "maximum": "at most",
    "exclusiveMaximum": "less than",
    "maxLength": "at most",
    "maxItems": "at most",
    "maxProperties": "at most",
}
_ALTERNATIVES = ("anyOf", "oneOf")
_DEPTH_MAX = 40  # of schemas that refer to themselves


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A place where the new schema accepts less.

    Args:
        path: The place in a document: ``limits.rows``.
        what: The difference, as one sentence about the place.
    """

    path: str
    what: str

    @property
    def name(self) -> str:
        """The last field of the path, as a changelog names it."""
        named = re.sub(r"(?:\[\d*\]|\.\*)+", "", self.path)
        return named.rpartition(".")[2]


def narrowed(old: Schema, new: Schema) -> list[Narrowed]:
    """The places where a new schema refuses documents that the old one accepts."""
    return list(dict.fromkeys(_compared(old, new, old, new, "", 0)))


def _compared(
    old: Schema, new: Schema, old_root: Schema, new_root: Schema, path: str, depth: int
) -> Iterator[Narrowed]:
    if depth > _DEPTH_MAX:
        return
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    before, after = _alternatives(old), _alternatives(new)
    if len(before) > 1 or len(after) > 1:
        for one in before:
            tried = [list(_compared(one, other, old_root, new_root, path, depth + 1)) for other in after]
            if not any(not each for each in tried):
                yield from min(tried, key=len) if len(after) == 1 else [Narrowed(path, _lost(_resolved(one, old_root)))]
        return
    accepted, accepts = _types(old), _types(new)
    is_any = not accepted and _enum(old) is None
    if accepts and (is_any or not accepted <= accepts):
        yield Narrowed(path, f"the type is {_words(accepts)} now, it was {_words(accepted) or 'any'}")
        return
    yield from _values(old, new, path)
    yield from _bounds(old, new, path)
    yield from _fields(old, new, old_root, new_root, path, depth)
    for before_, after_, place in _items(old, new, path):
        yield from _compared(before_, after_, old_root, new_root, place, depth + 1)


def _items(old: Schema, new: Schema, path: str) -> Iterator[tuple[Schema, Schema, str]]:
    """The schemas of the items of a list, before and after; those of a tuple one by one."""
    first, second = old.get("prefixItems", ()), new.get("prefixItems", ())
    for index in range(max(len(first), len(second))):
        before = first[index] if index < len(first) else old.get("items")
        after = second[index] if index < len(second) else new.get("items")
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield before, after, f"{path}[{index}]"
    if isinstance(old.get("items"), Mapping) and isinstance(new.get("items"), Mapping):
        yield old["items"], new["items"], f"{path}[]"


def _fields(old: Schema, new: Schema, old_root: Schema, new_root: Schema, path: str, depth: int) -> Iterator[Narrowed]:
    before, after = old.get("properties", {}), new.get("properties", {})
    more, fewer = _others(old), _others(new)
    for name in new.get("required", ()):
        if name not in old.get("required", ()):
            yield Narrowed(_at(path, name), "is required now")
    for name, schema in before.items():
        if name in after:
            yield from _compared(schema, after[name], old_root, new_root, _at(path, name), depth + 1)
        elif fewer is None:
            yield Narrowed(_at(path, name), "is no longer accepted")
        else:
            yield from _compared(schema, fewer, old_root, new_root, _at(path, name), depth + 1)
    if more is not None and fewer is None:
        yield Narrowed(path, "no longer accepts fields of other names")
    elif more is not None and fewer:
        yield from _compared(more, fewer, old_root, new_root, _at(path, "*"), depth + 1)


def _others(schema: Schema) -> Schema | None:
    """The schema of fields that `properties` does not name; empty if each value is accepted, None if no such field is.

    The keys of a mapping may need a pattern; then its values have the schema.
    """
    found = schema.get("additionalProperties", True)
    by_pattern = list(schema.get("patternProperties", {}).values())
    if isinstance(found, Mapping):
        return found
    if by_pattern:
        return dict(by_pattern[0])
    return {} if found else None


def _values(old: Schema, new: Schema, path: str) -> Iterator[Narrowed]:
    allowed = _enum(new)
    if allowed is None:
        return
    before = _enum(old)
    if before is None:
        yield Narrowed(path, f"accepts only {', '.join(map(repr, allowed))} now")
    elif lost := [value for value in before if value not in allowed]:
        yield Narrowed(path, f"no longer accepts {', '.join(map(repr, lost))}")


def _bounds(old: Schema, new: Schema, path: str) -> Iterator[Narrowed]:
    for key, words in _LOWER.items():
        if key in new and (key not in old or new[key] > old[key]):
            yield Narrowed(path, f"is {words} {new[key]} now, it was {old.get(key, 'not limited')}")
    for key, words in _UPPER.items():
        if key in new and (key not in old or new[key] < old[key]):
            yield Narrowed(path, f"is {words} {new[key]} now, it was {old.get(key, 'not limited')}")
    if new.get("uniqueItems") and not old.get("uniqueItems"):
        yield Narrowed(path, "no longer accepts an item twice")
    if "pattern" in new and new["pattern"] != old.get("pattern"):
        yield Narrowed(path, f"has the pattern {new['pattern']} now, it was {old.get('pattern', 'any text')}")


def _resolved(schema: Schema, root: Schema) -> Schema:
    seen = 0
    while "$ref" in schema and seen < _DEPTH_MAX:
        found = root.get("$defs", {}).get(str(schema["$ref"]).rpartition("/")[2], {})
        schema = {**found, **{key: value for key, value in schema.items() if key != "$ref"}}
        seen += 1
    return schema


def _alternatives(schema: Schema) -> list[Schema]:
    for key in _ALTERNATIVES:
        if key in schema:
            return list(schema[key])
    types = schema.get("type")
    return [{**schema, "type": each} for each in types] if isinstance(types, list) else [schema]


def _types(schema: Schema) -> set[str]:
    found = schema.get("type")
    if found is None:
        values = _enum(schema)
        names = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
        return {names[type(value)] for value in values if type(value) in names} if values else set()
    types = {found} if isinstance(found, str) else set(found)
    return types | {"integer"} if "number" in types else types


def _enum(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    found = schema.get("enum")
    return list(found) if found is not None else None


def _lost(schema: Schema) -> str:
    values = _enum(schema)
    if values is not None:
        return f"no longer accepts {', '.join(map(repr, values))}"
    return f"no longer accepts {_words(_types(schema)) or 'a value of an earlier form'}"


def _words(types: set[str]) -> str:
    return " or ".join(sorted(types - ({"integer"} if "number" in types else set())))


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
