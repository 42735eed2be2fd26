"""Numbers of JSON files that do not fit 64 bits."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from alchemesh_platform.machine.landing.json_numbers import Place, Real, exact, exact_text
from alchemesh_platform.machine.landing.json_structure import Structure, in_structure
from alchemesh_platform.machine.landing.source_columns import SourceColumn
from alchemesh_platform.machine.landing.spelling import spelt
from alchemesh_platform.systems.local.landing.parse_errors import opened

_LONG = re.compile(rb"[0-9][0-9.]{15}|[eE][-+]?[0-9]{3}")  # only such numbers can lose digits, or their size


def exact_numbers(readable: Path, staging: Path) -> tuple[Path, frozenset[Place]]:
    """A JSON lines file in which numbers that do not fit 64 bits are texts, and the places of large integers.

    Args:
        readable: The file.
        staging: Folder for a changed copy. Without such numbers there is no copy.

    Returns:
        The file to read, and the places of integers that a floating-point number would change.
    """
    with opened(readable) as file:
        if not any(_LONG.search(raw) for raw in file):
            return readable, frozenset()
    large: set[Place] = set()
    copy = staging / "exact.json"
    with opened(readable) as file, copy.open("wb") as to:
        for raw in file:
            to.write(_exact(raw, large) if _LONG.search(raw) else raw)
    return copy, frozenset(large)


def _exact(raw: bytes, large: set[Place]) -> bytes:
    try:
        return exact_text(exact(json.loads(raw, parse_float=Real), large)).encode() + b"\n"
    except (ValueError, RecursionError):
        return raw  # no JSON: the error is reported when the line is read


def spelt_numbers(readable: Path, structures: Mapping[str, Structure], staging: Path) -> Path:
    """A copy of a JSON lines file in which the values of text columns are texts, spelt as in the file.

    Args:
        readable: The file.
        structures: The structure of each column that lands as text, or holds a text, by its name in the file.
        staging: Folder for the copy.
    """
    copy = staging / "spelt.json"
    with opened(readable) as file, copy.open("wb") as to:
        for raw in file:
            to.write(_spelt(raw, structures))
    return copy


def spelt_declared(readable: Path, columns: Sequence[SourceColumn], staging: Path) -> Path:
    """A copy of a JSON lines file in which fractions in declared columns of text are texts, spelt as in the file.

    Args:
        readable: The file.
        columns: The declared columns.
        staging: Folder for the copy.
    """
    declared = {column.source_name: column for column in columns}
    copy = staging / "spelt.json"
    with opened(readable) as file, copy.open("wb") as to:
        for raw in file:
            to.write(_spelt_declared(raw, declared))
    return copy


def _spelt_declared(raw: bytes, declared: Mapping[str, SourceColumn]) -> bytes:
    try:
        found = exact(json.loads(raw, parse_float=Real), set())
        if not isinstance(found, dict):
            return raw
        return exact_text({name: spelt(value, declared.get(name)) for name, value in found.items()}).encode() + b"\n"
    except (ValueError, RecursionError):
        return raw  # no JSON: the error is reported when the line is read


def _spelt(raw: bytes, structures: Mapping[str, Structure]) -> bytes:
    try:
        found = exact(json.loads(raw, parse_float=Real), set())
        if not isinstance(found, dict):
            return raw
        placed = {
            name: in_structure(value, structures[name]) if name in structures else value
            for name, value in found.items()
        }
        return exact_text(placed).encode() + b"\n"
    except (ValueError, RecursionError):
        return raw  # no JSON: the error is reported when the line is read
