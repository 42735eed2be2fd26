"""Checks inputs against the SDK's types. Unknown, missing and mistyped properties are rejected at their path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from alchemesh_platform.base.problems import did_you_mean
from alchemesh_platform.clouds.gcp.emulation.types.sdk import (
    Shape,
    alternatives,
    inputs_of,
    is_object,
    item_of,
    shape_of,
    value_of,
)
from alchemesh_platform.provider.difference import join
from alchemesh_platform.provider.inputs import Refusal
from alchemesh_platform.provider.values import UNKNOWN, Secret, reveal

DEFAULTS = "__defaults"  # pulumi-terraform-bridge pkg/tfbridge/schema.go: names that the program did not give itself
ASSET = "4dabf18193072939515e22adb298388d"  # pulumi sdk/go/common/resource/sig: the key that marks special objects

_PLAIN: dict[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


def refusals_of(token: str, inputs: Mapping[str, Any]) -> list[Refusal]:
    """Every problem of inputs by the SDK's types.

    Raises:
        LookupError: when the SDK has no such type.
    """
    given = {name: value for name, value in inputs.items() if name != DEFAULTS}
    return list(_object("", given, inputs_of(token)))


def _object(path: str, value: Mapping[str, Any], shape: Shape) -> Iterator[Refusal]:
    for name, part in value.items():
        if name not in shape.properties:
            hint = did_you_mean(name, list(shape.properties))
            yield Refusal(join(path, name), f"unknown property{f': {hint}' if hint else ''}")
        elif part is not None:
            yield from _value(join(path, name), part, shape.properties[name])
    for name in sorted(shape.required):
        if value.get(name) is None:
            yield Refusal(join(path, name), "is required")


def _value(path: str, value: Any, type_: Any) -> Iterator[Refusal]:
    if isinstance(value, Secret):
        value = value.value
    if value is UNKNOWN or value is None:
        return
    members = alternatives(type_)
    if len(members) > 1:
        found = [list(_value(path, value, member)) for member in members]
        if all(found):
            yield min(found, key=len)[0]
    elif is_object(members[0]):
        yield from _parts(path, value, members[0])
    elif item_of(members[0]) is not None or value_of(members[0]) is not None:
        yield from _items(path, value, members[0])
    else:
        yield from _single(path, value, members[0])


def _parts(path: str, value: Any, type_: type) -> Iterator[Refusal]:
    if isinstance(value, Mapping):
        yield from _object(path, value, shape_of(type_))
    else:
        yield _wrong(path, value, "an object")


def _items(path: str, value: Any, type_: Any) -> Iterator[Refusal]:
    item = item_of(type_)
    if item is not None and isinstance(value, list | tuple):
        for at, part in enumerate(value):
            yield from _value(join(path, at), part, item)
    elif item is None and isinstance(value, Mapping):
        for name, part in value.items():
            yield from _value(join(path, name), part, value_of(type_))
    else:
        yield _wrong(path, value, "a map" if item is None else "a list")


def _single(path: str, value: Any, type_: Any) -> Iterator[Refusal]:
    expected = _PLAIN.get(type_)
    if expected is None:  # Any, or an asset
        if getattr(type_, "__name__", "") in ("Asset", "Archive") and not (
            isinstance(value, Mapping) and ASSET in value
        ):
            yield _wrong(path, value, "an asset")
        return
    fits = isinstance(value, type_) or (type_ is float and isinstance(value, int))
    if not fits or (isinstance(value, bool) and type_ is not bool):
        article = "an" if expected == "integer" else "a"
        yield _wrong(path, value, f"{article} {expected}")


def _wrong(path: str, value: Any, expected: str) -> Refusal:
    found = "a map" if isinstance(reveal(value), Mapping) else "a list" if isinstance(value, list) else f"{value!r}"
    return Refusal(path, f"found {found}, expected {expected}")
