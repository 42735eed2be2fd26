"""Types of the columns of JSON files, from the structure of all their objects."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from alchemesh_platform.base.sql import identifier
from alchemesh_platform.systems.local.landing.columns import TEXT

Structure = Any  # a name of a type, a list with the structure of its items, or a mapping of keys to structures
MIXED = "JSON"  # values of several kinds: they land as text
_NOTHING = "NULL"
_INTEGERS = {"BIGINT", "UBIGINT", "HUGEINT"}


def plain(structure: Structure, large: Collection[tuple[str, ...]] = (), place: tuple[str, ...] = ()) -> Structure:
    """A structure of DuckDB, with one name for all integers.

    Args:
        structure: The structure.
        large: Places of integers that a floating-point number would change.
        place: The place of the structure.
    """
    if isinstance(structure, dict):
        return {key: plain(part, large, (*place, key)) for key, part in structure.items()} or MIXED
    if isinstance(structure, list):
        return [plain(part, large, (*place, "[]")) for part in structure]
    if structure in _INTEGERS:
        return "BIGINT"
    return MIXED if structure == "DOUBLE" and place in large else structure


def merged(one: Structure, other: Structure) -> Structure:
    """The structure of values of both structures."""
    if one == other or other == _NOTHING:  # noqa: PLR1714 - lists and mappings
        return one
    if one == _NOTHING:
        return other
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [*one, *(key for key in other if key not in one)]
        return {key: merged(one.get(key, _NOTHING), other.get(key, _NOTHING)) for key in keys}
    if isinstance(one, list) and isinstance(other, list):
        return [merged(one[0] if one else _NOTHING, other[0] if other else _NOTHING)]
    if {"BIGINT", "DOUBLE"} == {str(one), str(other)}:
        return "DOUBLE"
    return MIXED


def settled(structure: Structure) -> Structure:
    """A structure in which places without any value hold text, so that a later value fits."""
    if isinstance(structure, dict):
        return {key: settled(part) for key, part in structure.items()}
    if isinstance(structure, list):
        return [settled(part) for part in structure] or [MIXED]
    return MIXED if structure == _NOTHING else structure


def type_of_structure(structure: Structure) -> str:
    """The type of DuckDB that values of a structure land as."""
    if isinstance(structure, dict):
        return f"STRUCT({', '.join(f'{identifier(key)} {type_of_structure(part)}' for key, part in structure.items())})"
    if isinstance(structure, list):
        return f"{type_of_structure(structure[0] if structure else MIXED)}[]"
    return TEXT if structure in {MIXED, _NOTHING} else str(structure)
