"""SQL that lands messages in declared columns: each value is converted, and checked as a value of a file is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.base.sql import identifier, quoted
from alchemesh_platform.machine.landing.conversion import Conversion, json_path, of_native, of_text
from alchemesh_platform.machine.landing.json_numbers import exact_text
from alchemesh_platform.machine.landing.misfit_reasons import misfit_reason
from alchemesh_platform.machine.landing.source_columns import SourceColumn
from alchemesh_platform.machine.landing.spelling import spelt
from alchemesh_platform.systems.kafka.landing.batch import OFFSET, OWN, TIMESTAMP, Row
from alchemesh_platform.systems.kafka.landing.rules import Rules
from alchemesh_platform.systems.kafka.landing.schema import TopicSchema, placed

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DECLARED, OTHERS = "declared", "others"  # columns of the lines that DuckDB reads
_SHOWN_MAX = 80


@dataclass(frozen=True, slots=True)
class Cell:
    """A declared column: the expression of its value in the source, and the conversion."""

    column: SourceColumn
    source: str
    conversion: Conversion

    @property
    def misfit(self) -> str | None:
        """The condition of a value that does not fit; None if every value fits."""
        if self.conversion.fits == "true" and not self.column.required:
            return None
        null = "true" if self.column.required else "false"
        return f"CASE WHEN {self.source} IS NULL THEN {null} ELSE NOT coalesce({self.conversion.fits}, false) END"


def line_of(row: Row, schema: TopicSchema, rules: Rules) -> str:
    """A row as one line of JSON. A number in a column of text is text, spelt as in the message."""
    declared, others = rules.split(row.values)
    properties = {column.source_name: column for column in rules.columns or ()}
    texts = {name: spelt(value, properties[name]) for name, value in declared.items()}
    return exact_text({DECLARED: texts, OTHERS: placed(schema, others), **row.origin})


def cells_of_messages(rules: Rules) -> list[Cell]:
    """The declared columns, over lines of JSON."""
    found = []
    for column in rules.columns or ():
        source = f"json_extract_string({DECLARED}, {quoted(json_path(column.source_name))})"
        found.append(Cell(column, source, of_text(column, source, rules)))
    return found


def cells_of_file(types: Mapping[str, str], rules: Rules, *, renamed: Mapping[str, str]) -> list[Cell]:
    """The declared columns, over the columns of a landed file.

    Args:
        types: Types of the file's columns, by name.
        rules: The rules.
        renamed: Names of columns in the file, by the name of the declared column.
    """
    found = []
    for column in rules.columns or ():
        name = renamed.get(column.name)
        if name is None:
            kind = of_text(column, "CAST(NULL AS VARCHAR)", rules).type
            found.append(Cell(column, "NULL", Conversion(kind, f"CAST(NULL AS {kind})")))
            continue
        source = identifier(name)
        found.append(Cell(column, source, of_native(column, source, types[name], rules)))
    return found


def landing_select(cells: Sequence[Cell], schema: TopicSchema) -> str:
    """The columns of a landed file, over lines of JSON."""
    declared = [f"{cell.conversion.value} AS {identifier(cell.column.name)}" for cell in cells]
    others = [f"{OTHERS}.{identifier(name)} AS {identifier(name)}" for name in schema.columns]
    own = [f"make_timestamp_ms({TIMESTAMP}) AS {TIMESTAMP}" if name == TIMESTAMP else name for name in OWN]
    return ", ".join([*declared, *others, *own])


def unfit_rows(
    connection: DuckDBPyConnection, cells: Sequence[Cell], table: str, rules: Rules, *, most: int | None = None
) -> dict[int, str]:
    """Offsets of rows with a value that does not fit, with the reason."""
    checked = [(index, cell) for index, cell in enumerate(cells) if cell.misfit is not None]
    if not checked:
        return {}
    bad = f"CASE {' '.join(f'WHEN {cell.misfit} THEN {index}' for index, cell in checked)} END"
    value = " ".join(f"WHEN {index} THEN CAST({cell.source} AS VARCHAR)" for index, cell in checked)
    limit = "" if most is None else f" LIMIT {most}"
    found = connection.execute(
        f"SELECT {OFFSET}, bad, CASE bad {value} END FROM (SELECT *, {bad} AS bad FROM {table}) "  # noqa: S608 - quoted
        f"WHERE bad IS NOT NULL ORDER BY {OFFSET}{limit}"
    ).fetchall()
    return {int(offset): _why(cells[index].column, text, rules) for offset, index, text in found}


def types_of_file(connection: DuckDBPyConnection, file: Path) -> dict[str, str]:
    """The columns of a landed file, and their types."""
    described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({quoted(str(file))})").fetchall()  # noqa: S608
    return {str(name): str(kind) for name, kind, *_ in described}


def _why(column: SourceColumn, text: str | None, rules: Rules) -> str:
    if text is None:
        return f"column {column.source_name}: no value in a required column"
    reason, _ = misfit_reason(column, text, rules)
    shown = text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
    return f"column {column.source_name}: {shown!r} is {reason}"
