"""SQL over the rows of one source file: the landed columns, and the rows that do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alchemesh_platform.base.sql import identifier, quoted
from alchemesh_platform.machine.landing.conversion import Conversion, json_path, of_native, of_text
from alchemesh_platform.machine.landing.source_columns import TEXT, LandedColumn, SourceColumn
from alchemesh_platform.machine.landing.spelling import holds_text
from alchemesh_platform.manifest.models import LogicalType
from alchemesh_platform.systems.local.landing.found import Found
from alchemesh_platform.systems.local.landing.reading import Reading, csv_rows, json_lines, json_objects, json_rows

# Types that DuckDB's own reader converts without changing a value, so that the values need no check of their own.
_READ_EXACTLY = {LogicalType.BOOLEAN: "BOOLEAN"}
_VALUE = "alchemesh value "  # begins the names of converted values; no column of a source is called so
_DOCUMENT = "TRY_CAST(line AS JSON)"


@dataclass(frozen=True, slots=True)
class Cell:
    """One landed column of a file.

    Args:
        column: The column as it lands.
        declared: Its declaration; None if the port declares no schema, or the column is new.
        source: Expression of its value in the source; None if the file lacks the column.
        conversion: The conversion of the value.
    """

    column: LandedColumn
    declared: SourceColumn | None
    source: str | None
    conversion: Conversion

    @property
    def required(self) -> bool:
        """Whether every row needs a value."""
        return self.declared is not None and self.declared.required

    @property
    def misfit(self) -> str | None:
        """The condition of a value that does not fit; None if every value fits."""
        if self.declared is None or (self.conversion.fits == "true" and not self.required):
            return None
        source = self.source or "NULL"
        null = "true" if self.required else "false"
        return f"CASE WHEN {source} IS NULL THEN {null} ELSE NOT coalesce({self.conversion.fits}, false) END"


def landing_query(
    file: Found, schema: Sequence[LandedColumn], reading: Reading, *, long_lines: bool = False, more: str = ""
) -> str:
    """The query that lands a file. It stops at the first value that does not fit.

    Args:
        file: The file.
        schema: The columns of the landing area.
        reading: How files are read.
        long_lines: Whether lines may exceed DuckDB's usual buffer.
        more: More options of the table function.
    """
    if reading.format == "json" and reading.columns is None:
        spellings = _spellings(file)
        known = ((spellings.get(column.name.casefold()), column.type) for column in schema)
        rows = json_rows(file.readable, {spelt: kind for spelt, kind in known if spelt is not None})
        return f"SELECT {_plain(file, schema)} FROM {rows}"  # noqa: S608 - quoted
    types = {}
    if reading.format == "csv":
        by_name = {column.source_name.casefold(): column for column in reading.columns or ()}
        for name in file.names:
            declared = by_name.get(name.casefold())
            types[name] = TEXT if declared is None else _READ_EXACTLY.get(declared.type, TEXT)
    if reading.columns is None:
        return f"SELECT {_plain(file, schema)} FROM {_rows(file, reading, types, long_lines=long_lines, more=more)}"  # noqa: S608 - quoted
    cells = _cells(file, schema, reading, types)
    rows = _rows(file, reading, types, long_lines=long_lines, more=more)
    return _checked_once(cells, rows)


def _checked_once(cells: Sequence[Cell], rows: str) -> str:
    """The query that converts each value once, and stops at the first row with a value that does not fit."""
    values = {identifier(f"{_VALUE}{at}"): cell for at, cell in enumerate(cells)}
    unfit = [
        condition
        for value, cell in values.items()
        if cell.declared is not None
        and (condition := cell.conversion.unfit(cell.source or "NULL", value, required=cell.required))
    ]
    converted = ", ".join(f"{cell.conversion.value} AS {value}" for value, cell in values.items())
    parts = [f"{value} AS {identifier(cell.column.name)}" for value, cell in values.items()]
    if unfit:
        value, cell = next(iter(values.items()))
        stop = f"CAST(error('a value does not fit') AS {cell.column.type})"
        stop = f"CASE WHEN {' OR '.join(unfit)} THEN {stop} ELSE {value} END"
        parts[0] = f"{stop} AS {identifier(cell.column.name)}"
    return f"SELECT {', '.join(parts)} FROM (SELECT *, {converted} FROM {rows})"  # noqa: S608 - quoted


@dataclass(frozen=True, slots=True)
class Checked:
    """The rows of a file with the position of the first value that does not fit.

    Args:
        cells: The columns.
        rows: Query with the columns ``number`` (of the row), ``bad`` (index of the cell; null if the row fits; -1 if
            the line is no object), and those of the source.
        selected: The converted columns, over these rows.
    """

    cells: tuple[Cell, ...]
    rows: str
    selected: str


def checked_rows(
    file: Found, schema: Sequence[LandedColumn], reading: Reading, *, long_lines: bool = False, more: str = ""
) -> Checked:
    """The rows of a file, each checked against the declared columns."""
    types = {} if reading.format == "parquet" else dict.fromkeys(file.names, TEXT)
    cells = tuple(_cells(file, schema, reading, types, empty_is_null=True))
    checks = [f"WHEN {cell.misfit} THEN {index}" for index, cell in enumerate(cells) if cell.misfit is not None]
    if reading.format == "json":
        checks.insert(0, "WHEN coalesce(json_type(doc), '') <> 'OBJECT' THEN -1")
    bad = f"CASE {' '.join(checks)} END" if checks else "CAST(NULL AS INTEGER)"
    source = _rows(file, reading, types, long_lines=long_lines, more=more, every_line=True)
    numbered = f'SELECT *, row_number() OVER () AS "number" FROM {source}'  # noqa: S608 - quoted
    if reading.format == "json":
        numbered = f"SELECT *, {_DOCUMENT} AS doc FROM ({numbered}) WHERE trim(coalesce(line, '')) <> ''"  # noqa: S608 - quoted
    selected = ", ".join(f"{cell.conversion.value} AS {identifier(cell.column.name)}" for cell in cells)
    return Checked(cells, f"SELECT *, {bad} AS bad FROM ({numbered})", selected)  # noqa: S608 - quoted


def fractions_in_text(file: Found, columns: Sequence[SourceColumn]) -> str | None:
    """The query for a line of JSON with a fraction in a declared column of text; None if no column has text.

    DuckDB gives such a number as ``1.1`` where the file has ``1.10``.
    """
    conditions = []
    for column in columns:
        value = f"json_extract(json, {quoted(json_path(column.source_name))})"
        if column.type in {LogicalType.OBJECT, LogicalType.ARRAY}:
            if holds_text(column):
                conditions.append(f"contains(CAST(json_structure({value}) AS VARCHAR), 'DOUBLE')")
        elif holds_text(column):
            conditions.append(f"json_type({value}) = 'DOUBLE'")
    if not conditions:
        return None
    return f"SELECT 1 FROM {json_objects(file.readable)} WHERE {' OR '.join(conditions)} LIMIT 1"  # noqa: S608 - quoted


def _rows(
    file: Found,
    reading: Reading,
    types: dict[str, str],
    *,
    long_lines: bool,
    more: str = "",
    every_line: bool = False,
) -> str:
    if reading.format == "parquet":
        return f"read_parquet({quoted(str(file.readable))})"
    if reading.format == "csv":
        return csv_rows(file.readable, file.delimiter, types, reading, long_lines=long_lines, more=more)
    lines = json_lines(file.readable, long_lines=long_lines)
    if every_line:
        return lines
    # A line that is no object is an error, which the checks of all rows then name.
    doc = f"CASE WHEN json_type({_DOCUMENT}) = 'OBJECT' THEN {_DOCUMENT} ELSE error('a line is no object') END AS doc"
    return f"(SELECT {doc} FROM {lines} WHERE trim(line) <> '')"  # noqa: S608 - quoted


def _cells(
    file: Found,
    schema: Sequence[LandedColumn],
    reading: Reading,
    types: dict[str, str],
    *,
    empty_is_null: bool = False,
) -> list[Cell]:
    declared = {column.name: column for column in reading.columns or ()}
    kinds = dict(zip(file.names, file.types, strict=True))
    spellings = _spellings(file)
    cells = []
    for column in schema:
        known = declared.get(column.name)
        name = known.source_name if known is not None else column.name
        if reading.format == "json":
            source: str | None = f"json_extract_string(doc, {quoted(json_path(name))})"
            kind = TEXT
        else:
            spelt = spellings.get(name.casefold())
            source = None if spelt is None else identifier(spelt)
            kind = types.get(spelt, kinds[spelt]) if spelt is not None else TEXT
            if empty_is_null and source and known and known.type is not LogicalType.STRING and kind == TEXT:
                source = f"nullif({source}, '')" if "" in reading.null_values else source
        if source is None:
            conversion = Conversion(column.type, f"CAST(NULL AS {column.type})")
        elif known is None:
            conversion = Conversion(column.type, source)
        elif kind == TEXT:
            conversion = of_text(known, source, reading)
        elif reading.format == "csv":
            conversion = Conversion(column.type, source)
        else:
            conversion = of_native(known, source, kind, reading)
        cells.append(Cell(column, known, source, conversion))
    return cells


def _plain(file: Found, schema: Sequence[LandedColumn]) -> str:
    """The columns of a file as they are, in the order of the schema; null where the file lacks one."""
    parts = []
    spellings = _spellings(file)
    for column in schema:
        spelt = spellings.get(column.name.casefold())
        value = f"CAST(NULL AS {column.type})" if spelt is None else identifier(spelt)
        parts.append(f"{value} AS {identifier(column.name)}")
    return ", ".join(parts)


def _spellings(file: Found) -> dict[str, str]:
    """The names of the columns as the file spells them, by the name without capitals."""
    return {name.casefold(): name for name in file.names}
