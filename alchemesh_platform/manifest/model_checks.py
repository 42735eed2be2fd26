"""Checks of semantic models: the keys that a type allows, and the references of relationships."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from alchemesh_platform.base.problems import Problem, did_you_mean
from alchemesh_platform.documents.document import Node, Path, described, listed, quoted, written
from alchemesh_platform.documents.regular_expressions import pattern_problem
from alchemesh_platform.manifest.ranges import ORDERED, comparable
from alchemesh_platform.manifest.source_formats import FormatUnfit, specifiers

_PARTS = {"object": "properties", "array": "items"}  # types that contain others, and the key that describes the content
_FORMATTED = frozenset({"date", "time", "timestamp"})
_TIMES = ("event_time", "ingestion_time")
_MOMENTS = ("timestamp", "date")
_KEYLESS = frozenset(_PARTS)  # types that cannot identify anything


def check_models(tree: Node) -> Iterator[Problem]:
    """Every problem of the manifest's models that one value alone does not show."""
    models = tree.keys.get("models")
    for name, model in models.keys.items() if models is not None else ():
        properties = model.keys.get("properties")
        for key, value in properties.keys.items() if properties is not None else ():
            yield from _property(("models", name, "properties", key), value, top=True)
        yield from _times(("models", name), model, properties)
        yield from _reference(tree, ("models", name), model, properties)
        listed = model.keys.get("relationships")
        for index, relationship in enumerate(listed.items if listed is not None else ()):
            yield from _relationship(tree, name, index, relationship)


def _reference(tree: Node, path: Path, model: Node, properties: Node | None) -> Iterator[Problem]:
    """The reference of a model is an input port, and rows are compared by the key."""
    node = model.keys.get("reference")
    if node is None or node.text is None:
        return
    listed_ports = tree.keys.get("input_ports")
    named = (each.keys.get("name") for each in (listed_ports.items if listed_ports is not None else ()))
    ports = [each.text for each in named if each is not None and each.text is not None]
    place = written((*path, "reference"))
    if node.text not in ports:
        yield Problem(
            node.location,
            place,
            f"found {quoted(node.text)}, expected an input port of this product",
            did_you_mean(node.text, ports, otherwise="declare it under input_ports"),
        )
    keys = [each.keys.get("key") for each in (properties.keys.values() if properties is not None else ())]
    if not any(each is not None and each.value is True for each in keys):
        yield Problem(
            node.key_location,
            place,
            "found a reference of a model without a key, expected a key to compare rows by",
            "set `key: true` at the properties that identify a row",
        )


def _times(path: Path, model: Node, properties: Node | None) -> Iterator[Problem]:
    """The times of a model are properties of it, and a limit between them needs both."""
    declared = properties.keys if properties is not None else {}
    for key in _TIMES:
        node = model.keys.get(key)
        if node is None or node.text is None:
            continue
        place = written((*path, key))
        if node.text not in declared:
            found = f"found {quoted(node.text)}, expected a property of this model"
            fitting = [name for name, each in declared.items() if _type(each) in _MOMENTS]
            yield Problem(node.location, place, found, did_you_mean(node.text, fitting or sorted(declared)))
        elif (kind := _type(declared[node.text])) not in (None, *_MOMENTS):
            yield Problem(
                node.location,
                place,
                f"found the property {quoted(node.text)} of type {kind}, expected a timestamp or date",
                "name a property with the time, or leave it out",
            )
    limit = model.keys.get("timeliness")
    missing = [key for key in _TIMES if key not in model.keys or model.keys[key].value is None]
    if limit is not None and limit.value is not None and missing:
        yield Problem(
            limit.key_location,
            written((*path, "timeliness")),
            f"found a limit without {' and '.join(missing)}, expected both times",
            f"name the properties with them: {', '.join(f'{key}: …' for key in missing)}",
        )


def _type(node: Node) -> str | None:
    kind = node.keys.get("type")
    return kind.text if kind is not None else None


def check_schema(tree: Node, place: Path, port: Node) -> Iterator[Problem]:
    """Every problem of the schema that an input port declares: a model of the product, or properties in place."""
    schema = port.keys.get("schema")
    models = tree.keys.get("models")
    declared = list(models.keys) if models is not None else []
    path = (*place, "schema")
    if schema is None:
        return
    if schema.text is not None and schema.text not in declared:
        yield Problem(
            schema.location,
            written(path),
            f"found {quoted(schema.text)}, expected a model of this product, or properties",
            did_you_mean(schema.text, declared, otherwise="declare it under models"),
        )
    columns: dict[str, Node] = {}
    for name, node in schema.keys.items():
        yield from _property((*path, name), node, top=True)
        column = node.keys.get("column")
        named = name if column is None or column.text is None else column.text
        if named.casefold() in columns:
            yield Problem(
                node.key_location,
                written((*path, name)),
                f"found column {quoted(named)} again, expected it once",
                f"it is already at {columns[named.casefold()].key_location}",
            )
        columns.setdefault(named.casefold(), node)


def _property(path: Path, node: Node, *, top: bool) -> Iterator[Problem]:
    kind = node.keys["type"].text if "type" in node.keys else None
    yield from _key(path, node, kind, top=top)
    yield from _unique(path, node, kind)
    yield from _pattern(path, node, kind)
    yield from _enum(path, node, kind)
    yield from _range(path, node, kind)
    yield from _decimal(path, node, kind)
    yield from _format(path, node, kind)
    for owner, part in _PARTS.items():
        inside = node.keys.get(part)
        if inside is not None and inside.value is not None and kind is not None and kind != owner:
            yield Problem(
                inside.key_location,
                written((*path, part)),
                f"found {part} in a property of type {quoted(kind)}, expected them in type {owner} only",
                f"write 'type: {owner}', or leave {part} out",
            )
    inside = node.keys.get("properties")
    for key, value in inside.keys.items() if inside is not None else ():
        yield from _property((*path, "properties", key), value, top=False)
    if "items" in node.keys:
        yield from _property((*path, "items"), node.keys["items"], top=False)


def _key(path: Path, node: Node, kind: str | None, *, top: bool) -> Iterator[Problem]:
    key, required = node.keys.get("key"), node.keys.get("required")
    if key is None or key.value is not True:
        return
    if not top or kind in _KEYLESS:
        where = f"of type {kind}" if top else "inside another"
        yield Problem(
            key.location,
            written((*path, "key")),
            f"found a key in a property {where}, expected it in a plain property of the model",
            "what identifies the entity is one value, or several properties side by side",
        )
    elif required is not None and required.value is False:
        yield Problem(
            required.location,
            written((*path, "required")),
            "found false in a key, expected true",
            "what identifies the entity always has a value: leave 'required' out",
        )


def _unique(path: Path, node: Node, kind: str | None) -> Iterator[Problem]:
    unique = node.keys.get("unique")
    if unique is not None and unique.value is True and kind in _KEYLESS:
        yield Problem(
            unique.location,
            written((*path, "unique")),
            f"found unique in a property of type {kind}, expected it in a type with single values",
            "objects and arrays are not compared: declare a property with one value unique",
        )


def _pattern(path: Path, node: Node, kind: str | None) -> Iterator[Problem]:
    pattern = node.keys.get("pattern")
    if pattern is None or pattern.text is None:
        return
    if kind not in {None, "string"}:
        yield Problem(
            pattern.key_location,
            written((*path, "pattern")),
            f"found a pattern in a property of type {quoted(str(kind))}, expected it in type string only",
            "leave it out, or write 'type: string'",
        )
    problem = pattern_problem(pattern.text)
    if problem is not None:
        bounded = "write it without that part; https://github.com/google/re2/wiki/Syntax lists all others"
        yield Problem(
            pattern.location,
            written((*path, "pattern")),
            f"found {quoted(pattern.text)}, {problem}",
            bounded if "RE2" in problem else "single quotes keep backslashes as they are: '\\d{3}'",
        )


def _decimal(path: Path, node: Node, kind: str | None) -> Iterator[Problem]:
    precision, scale = node.keys.get("precision"), node.keys.get("scale")
    for name, given in (("precision", precision), ("scale", scale)):
        if given is not None and given.value is not None and kind not in {None, "number"}:
            yield Problem(
                given.key_location,
                written((*path, name)),
                f"found a {name} in a property of type {quoted(str(kind))}, expected it in type number only",
                "leave it out, or write 'type: number'",
            )
    digits = None if precision is None else precision.value
    decimals = None if scale is None else scale.value
    if scale is not None and isinstance(decimals, int) and digits is None:
        yield Problem(
            scale.location,
            written((*path, "scale")),
            "found a scale without a precision, expected both",
            "add the number of digits in all, as in 'precision: 18'",
        )
    elif scale is not None and isinstance(decimals, int) and isinstance(digits, int) and decimals > digits:
        yield Problem(
            scale.location,
            written((*path, "scale")),
            f"found {decimals}, expected at most the precision, which is {digits}",
            "the precision counts all digits, before and after the point",
        )


def _format(path: Path, node: Node, kind: str | None) -> Iterator[Problem]:
    form, zone = node.keys.get("format"), node.keys.get("time_zone")
    if form is not None and form.text is not None and kind is not None:
        try:
            specifiers(form.text, kind)
        except FormatUnfit as error:
            example = {"date": "dd.MM.yyyy", "time": "HH:mm"}.get(kind, "dd.MM.yyyy HH:mm:ss")
            hint = f"write it as DateTimeFormatter does: {example}" if kind in _FORMATTED else "leave it out"
            yield Problem(form.location, written((*path, "format")), f"found {quoted(form.text)}: {error}", hint)
    if zone is not None and zone.text is not None and kind not in {None, "timestamp"}:
        yield Problem(
            zone.key_location,
            written((*path, "time_zone")),
            f"found a time zone in a property of type {quoted(str(kind))}, expected it in type timestamp only",
            "leave it out, or write 'type: timestamp'",
        )


def _enum(path: Path, node: Node, kind: str | None) -> Iterator[Problem]:
    enum = node.keys.get("enum")
    if enum is None or not enum.items or kind is None:
        return
    if kind not in _READERS:
        if kind in {"boolean", "object", "array"}:
            yield Problem(
                enum.key_location,
                written((*path, "enum")),
                f"found an enum in a property of type {kind}, expected it in a type with single values",
                "leave it out",
            )
        return
    seen: dict[tuple[type, Any], Node] = {}
    for index, item in enumerate(enum.items):
        if item.broken or isinstance(item.value, bool | dict | list) or item.value is None:
            continue
        place = written((*path, "enum", index))
        if not _reads(kind, item.value):
            hint = _WRITTEN.get(kind, "every value of the enum has the type of the property")
            yield Problem(item.location, place, f"found {described(item.value)}, expected a value of type {kind}", hint)
        before = seen.setdefault((type(item.value), item.value), item)
        if before is not item:
            yield Problem(
                item.location,
                place,
                f"found {described(item.value)} again, expected it once",
                f"it is already at {before.location}",
            )


def _range(path: Path, node: Node, kind: str | None) -> Iterator[Problem]:
    bounds: dict[str, Any] = {}
    for name in ("minimum", "maximum"):
        bound = node.keys.get(name)
        if bound is None or bound.broken or bound.value is None or kind is None:
            continue
        place = written((*path, name))
        if kind not in ORDERED:
            if kind in _READERS or kind in {"boolean", "object", "array"}:
                yield Problem(
                    bound.key_location,
                    place,
                    f"found a {name} in a property of type {kind}, expected it in {listed(ORDERED, 'or')}",
                    "leave it out",
                )
        elif isinstance(bound.value, bool) or not _reads(kind, bound.value):
            hint = _WRITTEN.get(kind, "a bound has the type of the property")
            yield Problem(
                bound.location, place, f"found {described(bound.value)}, expected a value of type {kind}", hint
            )
        else:
            bounds[name] = bound
    if len(bounds) == 2 and comparable(bounds["minimum"].value) > comparable(bounds["maximum"].value):  # noqa: PLR2004
        yield Problem(
            bounds["maximum"].location,
            written((*path, "maximum")),
            f"found {described(bounds['maximum'].value)}, expected at least the minimum, "
            f"{described(bounds['minimum'].value)}",
            "no value is in this range",
        )


_READERS: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timestamp": datetime.fromisoformat,
}


_WRITTEN = {
    "string": "put it in quotes",
    "date": "a date is written 2024-01-31",
    "time": "a time is written 10:30:00",
    "timestamp": "a timestamp is written 2024-01-31T10:30:00Z",
}


def _reads(kind: str, value: Any) -> bool:
    reader = _READERS[kind]
    if isinstance(reader, type | tuple):
        return isinstance(value, reader)
    try:
        return isinstance(value, str) and reader(value) is not None
    except ValueError:
        return False


def _relationship(tree: Node, name: str, index: int, node: Node) -> Iterator[Problem]:
    path: Path = ("models", name, "relationships", index)
    models = tree.keys["models"].keys
    to = node.keys.get("to")
    if to is None or to.text is None:
        return
    if to.text not in models:
        yield Problem(
            to.location,
            written((*path, "to")),
            f"found {quoted(to.text)}, expected a model of this product",
            did_you_mean(to.text, list(models), otherwise="declare it under models"),
        )
    pairs = node.keys.get("properties")
    for here, there in pairs.keys.items() if pairs is not None else ():
        yield from _referred(models[name], here, there.key_location, (*path, "properties", here), name)
        if to.text in models and there.text is not None:
            yield from _referred(models[to.text], there.text, there.location, (*path, "properties", here), to.text)


def _referred(model: Node, found: str, location: Any, path: Path, name: str) -> Iterator[Problem]:
    properties = model.keys.get("properties")
    if properties is not None and properties.keys and found not in properties.keys:
        yield Problem(
            location,
            written(path),
            f"found {quoted(found)}, expected a property of model {quoted(name)}",
            did_you_mean(found, list(properties.keys)),
        )
