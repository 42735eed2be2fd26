"""The columns that each source file has, read before anything is landed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.base.sql import quoted
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.machine.landing.json_structure import MIXED, Structure, plain, type_of_structure
from alchemesh_platform.machine.landing.source_columns import TEXT
from alchemesh_platform.systems.local.landing.json_numbers import exact_numbers
from alchemesh_platform.systems.local.landing.parse_errors import HeaderUnfit, csv_header
from alchemesh_platform.systems.local.landing.reading import (
    LONG_FILE,
    Reading,
    delimiter_of,
    is_blank,
    json_lines,
    json_objects,
    readable_copy,
)
from alchemesh_platform.systems.local.landing.source_files import SourceFailed, SourceFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Found:
    """A source file that can be read, with its columns.

    Args:
        source: The file.
        readable: The file that DuckDB reads: unpacked, in UTF-8.
        blank: Whether it holds nothing.
        names: The columns of the file, in its order.
        types: The type of each column as it lands when nothing is declared.
        structures: JSON: the structure of each column.
        delimiter: CSV: the delimiter.
        original: The file as ``readable``, before numbers became texts; None if none did.
    """

    source: SourceFile
    readable: Path
    blank: bool = False
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    structures: tuple[Structure, ...] = ()
    delimiter: str = ","
    original: Path | None = None


def look_into(connection: DuckDBPyConnection, source: SourceFile, staging: Path, reading: Reading) -> Found:
    """The columns of a source file.

    Raises:
        SourceFailed: when the file cannot be read, or two of its columns have the same name.
    """
    with storage_errors(f"read {source.path}"):
        readable = readable_copy(source, staging, reading)
        blank = reading.format != "parquet" and is_blank(readable)
    if blank and reading.format == "csv":
        raise SourceFailed(f"{source.path} is empty: a header line was expected", hint="remove the file, or write it")
    if blank:
        return Found(source, readable, blank=True)
    if reading.format == "csv":
        found = _csv(source, readable, reading)
    elif reading.format == "parquet":
        found = _parquet(connection, source, readable)
    else:
        found = _json(connection, source, readable, staging, reading)
    _check_names(source, found.names)
    return found


def _csv(source: SourceFile, readable: Path, reading: Reading) -> Found:
    delimiter = delimiter_of(source, readable, reading)
    try:
        names = csv_header(readable, delimiter, reading)
    except HeaderUnfit as error:
        raise SourceFailed(f"{source.path}:{error.line}: {error}", hint="fix the line; nothing was landed") from error
    if not reading.header and reading.columns is not None and len(reading.columns) == len(names):
        names = tuple(column.source_name for column in reading.columns)
    return Found(source, readable, names=names, types=(TEXT,) * len(names), delimiter=delimiter)


def _parquet(connection: DuckDBPyConnection, source: SourceFile, readable: Path) -> Found:
    rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({quoted(str(readable))})").fetchall()  # noqa: S608 - quoted
    return Found(source, readable, names=tuple(row[0] for row in rows), types=tuple(str(row[1]) for row in rows))


def _json(connection: DuckDBPyConnection, source: SourceFile, readable: Path, staging: Path, reading: Reading) -> Found:
    exact, large = exact_numbers(readable, staging)
    if reading.columns is not None:
        if reading.on_new_column == "ignore":
            return Found(source, exact, original=readable)
        names = tuple(row[0] for row in connection.execute(_keys(exact)).fetchall())
        types, structures = (TEXT,) * len(names), (MIXED,) * len(names)
        return Found(source, exact, names=names, types=types, structures=structures, original=readable)
    row = connection.execute(f"SELECT json_group_structure(json) FROM {json_objects(exact)}").fetchone()  # noqa: S608 - quoted
    structure = plain(json.loads(row[0]), large) if row is not None and row[0] is not None else {}
    if not isinstance(structure, dict):
        structure = {}  # objects without a key; another value is an error that reading the rows reports
    parts = tuple(structure.values())
    return Found(source, exact, False, tuple(structure), tuple(map(type_of_structure, parts)), parts)


def _keys(path: Path) -> str:
    rows = json_lines(path, long_lines=path.stat().st_size > LONG_FILE)
    objects = f"SELECT json_keys(TRY_CAST(line AS JSON)) AS keys FROM {rows}"  # noqa: S608 - quoted
    return f"SELECT DISTINCT unnest(keys) AS key FROM ({objects}) ORDER BY key"  # noqa: S608 - quoted


def _check_names(source: SourceFile, names: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        before = seen.get(name.casefold())
        seen[name.casefold()] = name
        if before is not None:
            differs = "" if before == name else f" (as {before!r})"
            raise SourceFailed(
                f"{source.path}:1: column {name!r} appears twice{differs}",
                hint="names of columns have to differ in more than capitals: rename one of the two in the source",
            )
