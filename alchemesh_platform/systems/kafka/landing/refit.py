"""Conversion of landed files to the columns that the port declares now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.sql import identifier, quoted
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.systems.kafka.landing.batch import OWN, span_of
from alchemesh_platform.systems.kafka.landing.declared import Cell, cells_of_file, types_of_file, unfit_rows
from alchemesh_platform.systems.kafka.landing.landing import ROWS, STAGING, duckdb_connection, put, record
from alchemesh_platform.systems.kafka.landing.rules import Rules
from alchemesh_platform.systems.kafka.landing.schema import TopicSchema, read_schema


class SchemaRefused(Failure):
    """Raised when landed files do not fit the columns that the port declares. No file is changed."""


def refit(target: Path, rules: Rules) -> int:
    """Convert landed files to declared columns that changed, and record them. A landed value never changes.

    All files are checked before one is converted. After a kill in between, the next call converts the rest.

    Returns:
        The number of converted files.

    Raises:
        SchemaRefused: when a landed value does not fit, or a declared column of the files is no longer declared.
        StorageFailed: when the file system refuses. The next run begins again.
    """
    recorded, declaration = read_schema(target), rules.declaration()
    if recorded is None or recorded.declaration == declaration:
        return 0
    files = [file for file in sorted(target.glob("*.parquet")) if span_of(file.stem) is not None]
    staging = target / STAGING
    with storage_errors(f"convert the files of {target}"):
        staging.mkdir(exist_ok=True)
        if not files:
            record(TopicSchema(declaration=declaration), recorded, target, staging)
            return 0
        before = [str(column["name"]) for column in (recorded.declaration or {}).get("columns", ())]
        gone = [name for name in before if name not in {column.name for column in rules.columns or ()}]
        if gone:
            raise SchemaRefused(
                f"the files in {target} have the column {gone[0]}, which the schema of the port had and has no longer",
                hint="keep it in the schema, without `required`; or remove the port with its data and land it again",
            )
        for file in files:
            _check_file(file, rules, before)
        for file in files:
            put(_converted(file, rules, before, staging), file)
        taken = {name.casefold() for column in rules.columns or () for name in (column.name, column.source_name)}
        others = {name: each for name, each in recorded.columns.items() if name.casefold() not in taken}
        record(TopicSchema(columns=others, declaration=declaration), recorded, target, staging)
    return len(files)


def _check_file(file: Path, rules: Rules, before: Sequence[str]) -> None:
    with duckdb_connection() as connection:
        cells = _cells_of(types_of_file(connection, file), rules, before)
        unfit = unfit_rows(connection, cells, f"read_parquet({quoted(str(file))})", rules, most=1)
    for offset, why in unfit.items():
        raise SchemaRefused(
            f"{file.name}, offset {offset}: {why}: the landed files do not fit the schema of the port",
            hint="change the schema so that the landed values fit; or remove the port with its data and land it again",
        )


def _converted(file: Path, rules: Rules, before: Sequence[str], staging: Path) -> Path:
    """A landed file in the declared columns. Its other columns stay."""
    draft = staging / ROWS
    draft.unlink(missing_ok=True)
    with duckdb_connection() as connection:
        types = types_of_file(connection, file)
        cells = _cells_of(types, rules, before)
        sources = {cell.source for cell in cells}
        columns = [f"{cell.conversion.value} AS {identifier(cell.column.name)}" for cell in cells]
        columns += [identifier(name) for name in types if identifier(name) not in sources]
        connection.execute(
            f"COPY (SELECT {', '.join(columns)} FROM read_parquet({quoted(str(file))})) "  # noqa: S608 quoted
            f"TO {quoted(str(draft))} (FORMAT parquet)"
        )
    return draft


def _cells_of(types: Mapping[str, str], rules: Rules, before: Sequence[str]) -> list[Cell]:
    """The declared columns over a landed file. It has their own names, or those of the source if they are new."""
    spelt = {name.casefold(): name for name in types if name not in OWN}
    renamed = {}
    for column in rules.columns or ():
        first, second = (
            (column.name, column.source_name) if column.name in before else (column.source_name, column.name)
        )
        found = spelt.get(first.casefold(), spelt.get(second.casefold()))
        if found is not None:
            renamed[column.name] = found
    return cells_of_file(types, rules, renamed=renamed)
