"""Types of the columns of JSON objects, from the structure of all of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from alchemesh_platform.base.sql import identifier
from alchemesh_platform.machine.landing.json_numbers import EXACT_IN_A_DOUBLE, Real, exact_text

TEXT = "VARCHAR"
Structure = Any  # a name of a type, a list with the structure of its items, or a mapping of keys to structures
LARGE = "LARGE"  # integers, some of which a floating-point number would change
MIXED = "JSON"  # values of several kinds: they land as text
NOTHING = "NULL"
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
    if one == other or other == NOTHING:  # noqa: PLR1714 - lists and mappings
        return one
    if one == NOTHING:
        return other
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [*one, *(key for key in other if key not in one)]
        return {key: merged(one.get(key, NOTHING), other.get(key, NOTHING)) for key in keys}
    if isinstance(one, list) and isinstance(other, list):
        return [merged(one[0] if one else NOTHING, other[0] if other else NOTHING)]
    both = {str(one), str(other)}
    if both == {"BIGINT", "DOUBLE"}:
        return "DOUBLE"
    if both == {"BIGINT", LARGE}:
        return LARGE
    return MIXED


def settled(structure: Structure) -> Structure:
    """A structure in which places without any value hold text, so that a later value fits."""
    if isinstance(structure, dict):
        return {key: settled(part) for key, part in structure.items()} or MIXED
    if isinstance(structure, list):
        return [settled(part) for part in structure] or [MIXED]
    if structure == LARGE:
        return "BIGINT"
    return MIXED if structure == NOTHING else structure


def type_of_structure(structure: Structure) -> str:
    """The type of DuckDB that values of a structure land as."""
    if isinstance(structure, dict):
        return f"STRUCT({', '.join(f'{identifier(key)} {type_of_structure(part)}' for key, part in structure.items())})"
    if isinstance(structure, list):
        return f"{type_of_structure(structure[0] if structure else MIXED)}[]"
    return TEXT if structure in {MIXED, NOTHING} else str(structure)


def structure_of(value: Any) -> Structure:
    """The structure of an exact value of JSON."""
    if isinstance(value, dict):
        return {name: structure_of(part) for name, part in value.items()}
    if isinstance(value, list):
        whole: Structure = NOTHING
        for part in value:
            whole = merged(whole, structure_of(part))
        return [whole]
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, int):
        return LARGE if abs(value) > EXACT_IN_A_DOUBLE else "BIGINT"
    return "DOUBLE" if isinstance(value, Real) else TEXT


def in_structure(value: Any, structure: Structure) -> Any:
    """An exact value of JSON in the types of a settled structure. A text has the spelling of its value."""
    if value is None:
        return None
    if isinstance(value, dict) and isinstance(structure, dict):
        return {name: in_structure(part, structure.get(name, MIXED)) for name, part in value.items()}
    if isinstance(value, list) and isinstance(structure, list):
        return [in_structure(part, structure[0]) for part in value]
    if structure not in (TEXT, MIXED) or (isinstance(value, str) and not isinstance(value, Real)):
        return value
    return exact_text(value)


def has_numbers_as_text(found: Structure, structure: Structure) -> bool:
    """Whether values of a found structure have fractions at a place that a settled structure has as text."""
    if isinstance(found, dict) and isinstance(structure, dict):
        return any(has_numbers_as_text(part, structure.get(name, MIXED)) for name, part in found.items())
    if isinstance(found, list) and isinstance(structure, list):
        return any(has_numbers_as_text(part, structure[0]) for part in found)
    return structure in (TEXT, MIXED) and found not in (TEXT, NOTHING, "BIGINT", "BOOLEAN")
