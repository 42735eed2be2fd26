"""Rows that do not fit the declared schema: the message that names the first, and the file that keeps the rejected."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.base.sql import identifier
from alchemesh_platform.machine.landing.misfit_reasons import misfit_reason
from alchemesh_platform.systems.local.landing.found import Found
from alchemesh_platform.systems.local.landing.parse_errors import SourceRow, csv_lines, shown, text_lines
from alchemesh_platform.systems.local.landing.reading import Reading
from alchemesh_platform.systems.local.landing.rows import Cell, Checked
from alchemesh_platform.systems.local.landing.source_files import SourceFailed

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

REJECTS_FOLDER = ".alchemesh-rejects"
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Misfit:
    """A row that does not fit.

    Args:
        number: The number of the row after the header.
        column: Name of the column in the source; empty if the line is no row.
        value: The value, as text; None if there is none.
        reason: The type or form that it does not have.
        hint: The declaration or change that fixes it.
    """

    number: int
    column: str
    value: str | None
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A line of a CSV file that is no row."""

    line: int
    text: str
    reason: str


def count_misfits(connection: DuckDBPyConnection, checked: Checked) -> int:
    """The number of rows that do not fit."""
    row = connection.execute(f"SELECT count(*) FROM ({checked.rows}) WHERE bad IS NOT NULL").fetchone()  # noqa: S608 - quoted
    return int(row[0]) if row is not None else 0


def misfits(
    connection: DuckDBPyConnection, checked: Checked, reading: Reading, *, most: int | None
) -> Iterator[Misfit]:
    """The rows that do not fit, in the order of the file."""
    limit = "" if most is None else f" LIMIT {most}"
    line = "line" if reading.format == "json" else "NULL"
    values = [
        f"WHEN {index} THEN CAST({cell.source or 'NULL'} AS VARCHAR)"
        for index, cell in enumerate(checked.cells)
        if cell.misfit is not None
    ]
    value = f"CASE bad {' '.join(values)} ELSE {line} END" if values else line
    found = connection.execute(
        f'SELECT "number", bad, {value} FROM ({checked.rows}) WHERE bad IS NOT NULL ORDER BY "number"{limit}'  # noqa: S608 - quoted
    )
    while rows := found.fetchmany(_BATCH):
        for number, bad, text in rows:
            if bad < 0:
                yield Misfit(number, "", text, "no JSON object", "fix the line")
            else:
                yield _misfit(number, checked.cells[bad], text, reading)


def misfit_failure(file: Found, found: Misfit, total: int, reading: Reading) -> SourceFailed:
    """The message for the first row that does not fit."""
    row = next(iter(lines_of(file, reading, [found.number]).values()), None)
    where = f"{file.source.path}:{row.line}" if row is not None else f"{file.source.path}: row {found.number}"
    value = "no value" if found.value is None else repr(shown(found.value))
    column = f"column {found.column}: " if found.column else ""
    more = f"; {total - 1:,} more {'row does' if total == 2 else 'rows do'} not fit" if total > 1 else ""  # noqa: PLR2004 - one more
    return SourceFailed(
        f"{where}: {column}{value} is {found.reason}{more}",
        hint=f"{found.hint}, or set `on_bad_row: reject`; no row of this file was landed",
    )


def broken_lines(connection: DuckDBPyConnection, file: Found) -> list[Broken]:
    """The lines of a CSV file that are no rows, after a query with ``store_rejects``."""
    found = connection.execute(
        "SELECT DISTINCT line, csv_line, error_type FROM reject_errors JOIN reject_scans USING (scan_id, file_id) "
        "WHERE file_path = ? ORDER BY line",
        [str(file.readable)],
    ).fetchall()
    reasons = {"MISSING COLUMNS": "too few columns", "TOO MANY COLUMNS": "too many columns"}
    return [Broken(line, text, reasons.get(str(kind), "no row: check its quotes")) for line, text, kind in found]


def write_rejects(file: Found, found: Sequence[Misfit], broken: Sequence[Broken], reading: Reading, path: Path) -> None:
    """Write rejected rows to a CSV file, each with its file, line, column, value and reason, and the row itself."""
    rows = lines_of(file, reading, [misfit.number for misfit in found])
    with path.open("w", encoding="utf-8", newline="") as to:
        writer = csv.writer(to, lineterminator="\n")
        writer.writerow(["file", "line", "column", "value", "reason", "row"])
        for misfit in found:
            row = rows.get(misfit.number)
            line, text = (row.line, row.text) if row is not None else ("", "")
            writer.writerow([file.source.name, line, misfit.column, misfit.value, misfit.reason, text])
        for one in broken:
            writer.writerow([file.source.name, one.line, "", "", one.reason, one.text])


def lines_of(file: Found, reading: Reading, numbers: Sequence[int]) -> dict[int, SourceRow]:
    """The lines of rows in the source file, by the number of the row. Parquet has no lines."""
    if reading.format == "csv":
        return dict(csv_lines(file.readable, file.delimiter, reading, len(file.names), numbers))
    return dict(text_lines(file.original or file.readable, numbers)) if reading.format == "json" else {}


def _misfit(number: int, cell: Cell, text: str | None, reading: Reading) -> Misfit:
    declared = cell.declared
    if declared is None:
        return Misfit(number, cell.column.name, text, "a value that does not fit", "fix the row")
    name = declared.source_name
    if text is None:
        return Misfit(number, name, None, "in a required column", "fix the row, or remove `required`")
    reason, hint = misfit_reason(declared, text, reading)
    return Misfit(number, name, text, reason, hint)


def kept_rows(checked: Checked) -> str:
    """The query that lands the rows that fit."""
    names = ", ".join(identifier(cell.column.name) for cell in checked.cells)
    return f"SELECT {names} FROM (SELECT {checked.selected} FROM ({checked.rows}) WHERE bad IS NULL)"  # noqa: S608 - quoted
