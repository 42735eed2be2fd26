"""Delta tables on this machine.

They are created with a model's columns, evolve with the model, and are observed from their log.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from uuid import uuid4

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.sdk.observation import TableObservation
from alchemesh_platform.sdk.system.cloud_object import Changed
from alchemesh_platform.sdk.system.drift import Deviation
from alchemesh_platform.systems.local.tables.columns import COMMENT
from alchemesh_platform.systems.local.tables.evolution import (
    AddColumn,
    AllowNull,
    Describe,
    Evolution,
    Recreate,
    RefuseNull,
    Rename,
    Retain,
    Step,
    TableSchema,
    deviations,
    plan_evolution,
)

if TYPE_CHECKING:
    from deltalake import DeltaTable

# Commits that do not change the data. The last other commit is the last change of a table.
_KEEPS_DATA = {
    "CREATE TABLE",
    "CREATE OR REPLACE TABLE",
    "ADD COLUMN",
    "CHANGE COLUMN",
    "UPDATE FIELD METADATA",
    "UPDATE TABLE METADATA",
    "SET TBLPROPERTIES",
    "UNSET TBLPROPERTIES",
    "ADD FEATURE",
    "OPTIMIZE",
    "VACUUM START",
    "VACUUM END",
}
_REDEFINES = _KEEPS_DATA - {"OPTIMIZE", "VACUUM START", "VACUUM END"}
HISTORY = 100  # commits to read back

# Properties of a table: the one of the platform, and the one that a vacuum of another tool reads.
_RETENTION = "alchemesh.retentionHours"
_RETENTION_OF_DELTA = "delta.deletedFileRetentionDuration"


class TableFailed(Failure):
    """Raised when a table cannot be read or changed. The message names the table and the reason."""


def missing_files(path: Path) -> list[str]:
    """The files of a table's current version that do not exist, by their names in the log.

    Raises:
        TableFailed: when the log cannot be read.
    """
    if not table_exists(path):
        return []
    with delta_errors("read", path):
        names = open_table(path).get_add_actions(flatten=True).column("path").to_pylist()
    return [name for name in names if not (path / unquote(name)).is_file()]


@dataclass(frozen=True, slots=True)
class TableState:
    """The state of a table from its log.

    ``rows`` is None if the log does not count rows. ``without_null`` are columns in which the log counts no null.
    """

    schema: TableSchema
    rows: int | None
    size_bytes: int
    version: int
    changed_at: datetime | None
    without_null: frozenset[str] = frozenset()


def table_exists(path: Path) -> bool:
    """Whether a folder holds a Delta table."""
    return any((path / "_delta_log").glob("*.json"))


def read_table(path: Path) -> TableState | None:
    """Read a table's log without its data; None if there is no table.

    Raises:
        TableFailed: when the log cannot be read.
    """
    if not table_exists(path):
        return None
    with delta_errors("read", path):
        table = open_table(path)
        rows, size = _rows_and_size(table)
        return TableState(_schema_of(table), rows, size, table.version(), _changed_at(table), _without_null(table))


def observe_table(path: Path) -> TableObservation | None:
    """The number of rows, the size, the last change and the retention of a table; None if there is no table."""
    state = read_table(path)
    if state is None:
        return None
    seen = TableObservation(state.rows, state.size_bytes, state.changed_at)
    if state.schema.retention_hours is None:
        return seen
    with delta_errors("read", path):
        table = open_table(path)
        return replace(
            seen,
            retention=timedelta(hours=state.schema.retention_hours),
            vacuumed_at=_vacuumed_at(table),
            overdue_files=len(former_files(path, table, state.schema.retention_hours)),
        )


def former_files(path: Path, table: DeltaTable, hours: int) -> list[Path]:
    """The files that belong to no version, or left the last one, longer ago than a number of hours."""
    # The log keeps the names of files that an earlier vacuum removed, and the library lists them again.
    names = set(table.vacuum(retention_hours=hours, enforce_retention_duration=False, full=True))
    files = {file for name in names for file in (path / name, path / unquote(name)) if file.is_file()}
    return sorted(files)


def plan_table(path: Path, wanted: TableSchema) -> Evolution | None:
    """The steps that update a table to a schema; None if there is no table. Changes nothing."""
    state = read_table(path)
    if state is None:
        return None
    return plan_evolution(state.schema, wanted, empty=state.rows == 0, without_null=state.without_null)


def deviations_of(path: Path, wanted: TableSchema) -> tuple[Deviation, ...]:
    """The properties of an existing table that differ from its declaration."""
    with delta_errors("read", path):
        return tuple(deviations(_schema_of(open_table(path)), wanted))


def last_redefinition(path: Path) -> Changed:
    """The time of the last change of a table's definition, and its author if the writer of the log names one."""
    with delta_errors("read", path):
        commits = open_table(path).history(HISTORY)
    found = next((commit for commit in commits if commit.get("operation") in _REDEFINES), None)
    if found is None:
        return Changed()
    name = found.get("userName") or found.get("userId")
    return Changed(str(name) if name else None, datetime.fromtimestamp(found["timestamp"] / 1000, UTC))


def evolve_table(path: Path, wanted: TableSchema, *, replace: bool = False) -> tuple[Step, ...] | None:
    """Create a table, or evolve the existing one. Each step is one commit: the next run resumes it.

    Args:
        path: Folder of the table.
        wanted: Schema of the table.
        replace: Whether a table that cannot follow is re-created without its rows; its log keeps the older versions.

    Returns:
        The steps taken; None when the table was created.

    Raises:
        TableFailed: when the table cannot follow, with every reason, or the file system refuses.
    """
    evolution = plan_table(path, wanted)
    if evolution is None:
        with delta_errors("create", path):
            _create(path, wanted, "error")
        return None
    steps = evolution.steps
    if evolution.incompatible:
        if not replace:
            raise cannot_follow(path, evolution)
        steps = (Recreate(),)
    with delta_errors("change", path):
        for step in steps:
            _take(step, path, wanted)
    return steps


def cannot_follow(path: Path, evolution: Evolution) -> TableFailed:
    """Every reason why a table cannot follow its model, in one message."""
    lines = [
        f"  {f'column {found.column}' if found.column else 'the table'}: {found.reason}; {found.remedy}"
        for found in evolution.incompatible
    ]
    return TableFailed(f"the table in {path} holds rows and cannot follow its model:\n" + "\n".join(lines))


def _create(path: Path, wanted: TableSchema, mode: str) -> None:
    from deltalake import DeltaTable, Schema

    DeltaTable.create(
        str(path),
        Schema.from_json(json.dumps({"type": "struct", "fields": list(wanted.fields)})),
        mode=mode,  # type: ignore[arg-type] # a literal there
        partition_by=list(wanted.partition_by) or None,
        name=wanted.name or None,
        description=wanted.description or None,
        configuration=_retention_properties(wanted.retention_hours) or None,
        raise_if_key_not_exists=False,
    )


def _retention_properties(hours: int | None) -> dict[str, str]:
    return {} if hours is None else {_RETENTION: str(hours), _RETENTION_OF_DELTA: f"interval {hours} hours"}


def retention_hours(table: DeltaTable) -> int | None:
    """The age after which files of former versions are removed, as `up` set it; None if they stay."""
    found = table.metadata().configuration.get(_RETENTION, "")
    return int(found) if found.isdecimal() and int(found) > 0 else None


def _take(step: Step, path: Path, wanted: TableSchema) -> None:
    from deltalake import Field

    alter = open_table(path).alter
    match step:
        case AddColumn(field):
            alter.add_columns([Field.from_json(json.dumps(field))])
        case AllowNull(column):
            alter.drop_column_not_null(column)
        case RefuseNull(column):
            _refuse_null(path, column)
        case Describe(None, description):
            alter.set_table_description(description)
        case Describe(str(column), description):
            alter.set_column_metadata(column, {COMMENT: description})
        case Rename(name):
            alter.set_table_name(name)
        case Retain(None):
            _keep_former_versions(path)
        case Retain(int(hours)):
            alter.set_table_properties(_retention_properties(hours), raise_if_not_exists=False)
        case Recreate():
            _create(path, wanted, "overwrite")


def _refuse_null(path: Path, column: str) -> None:
    """Commit a schema in which a column is required: delta-rs can only make a column optional."""
    table = open_table(path)
    schema = json.loads(table.schema().to_json())
    for field in schema["fields"]:
        if field["name"] == column:
            field["nullable"] = False
    _commit_metadata(path, table, "CHANGE COLUMN", {"column": column}, {"schemaString": json.dumps(schema)})


def _keep_former_versions(path: Path) -> None:
    """Commit properties without a retention: delta-rs can set a property, and cannot remove one."""
    table = open_table(path)
    removed = (_RETENTION, _RETENTION_OF_DELTA)
    kept = {name: value for name, value in table.metadata().configuration.items() if name not in removed}
    _commit_metadata(path, table, "UNSET TBLPROPERTIES", {"properties": json.dumps(removed)}, {"configuration": kept})


def _commit_metadata(
    path: Path, table: DeltaTable, operation: str, parameters: dict[str, str], changes: dict[str, Any]
) -> None:
    """Commit a changed description of a table.

    A metadata action is a whole commit of its own:
    https://github.com/delta-io/delta/blob/master/PROTOCOL.md#change-metadata. A commit of another writer in between
    has the same number, so this one fails, and the next run looks at the table again.
    """
    metadata = table.metadata()
    action = {
        "id": str(metadata.id),
        "name": metadata.name,
        "description": metadata.description,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": table.schema().to_json(),
        "partitionColumns": list(metadata.partition_columns),
        "configuration": dict(metadata.configuration),
        "createdTime": metadata.created_time,
        **changes,
    }
    moment = int(datetime.now(UTC).timestamp() * 1000)
    info = {"timestamp": moment, "operation": operation, "operationParameters": parameters}
    lines = [json.dumps({"commitInfo": info}), json.dumps({"metaData": action})]
    commit = path / "_delta_log" / f"{table.version() + 1:020}.json"
    draft = path / "_delta_log" / f".{commit.name}.{uuid4().hex}"
    try:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        commit.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)


def _without_null(table: DeltaTable) -> frozenset[str]:
    actions = table.get_add_actions(flatten=True)
    partitions = table.metadata().partition_columns
    found = set()
    for name in actions.column_names:
        counts = actions.column(name).to_pylist()
        column = name.removeprefix("null_count.")
        if column != name and all(number == 0 for number in counts):
            found.add(column)
        column = name.removeprefix("partition.")
        if column in partitions and None not in counts:
            found.add(column)
    return frozenset(found)


def open_table(path: Path) -> DeltaTable:
    """The current version of a table."""
    from deltalake import DeltaTable

    return DeltaTable(str(path))


def _schema_of(table: DeltaTable) -> TableSchema:
    metadata = table.metadata()
    fields: list[dict[str, Any]] = json.loads(table.schema().to_json())["fields"]
    return TableSchema(
        tuple(fields),
        tuple(metadata.partition_columns),
        metadata.name or "",
        metadata.description or "",
        retention_hours(table),
    )


def _rows_and_size(table: DeltaTable) -> tuple[int | None, int]:
    actions = table.get_add_actions(flatten=True)
    sizes = actions.column("size_bytes").to_pylist()
    counts = actions.column("num_records").to_pylist() if "num_records" in actions.column_names else [None] * len(sizes)
    return (None if None in counts else sum(counts)), sum(sizes)


def last_change(table: DeltaTable) -> dict[str, Any]:
    """The last commit that changed rows; empty if the log has none."""
    for commits in (table.history(HISTORY), table.history()):  # a table may be compacted more often than written
        found = next((commit for commit in commits if commit.get("operation") not in _KEEPS_DATA), None)
        if found is not None or len(commits) < HISTORY:
            break
    return found or {}


def _changed_at(table: DeltaTable) -> datetime | None:
    changed = last_change(table)
    if changed:
        return datetime.fromtimestamp(changed["timestamp"] / 1000, UTC)
    written = table.get_add_actions(flatten=True).column("modification_time").to_pylist()
    return datetime.fromtimestamp(max(written) / 1000, UTC) if written else None


def _vacuumed_at(table: DeltaTable) -> datetime | None:
    done = (one["timestamp"] for one in table.history() if one.get("operation") == "VACUUM END")
    return next((datetime.fromtimestamp(moment / 1000, UTC) for moment in done), None)


@contextmanager
def delta_errors(doing: str, path: Path) -> Iterator[None]:
    """Turn errors of the library and of the file system into failures that name the table."""
    from deltalake.exceptions import DeltaError

    with storage_errors(f"{doing} the table in {path}"):
        try:
            yield
        except DeltaError as error:
            reason = str(error).strip().splitlines()[0]
            raise TableFailed(
                f"cannot {doing} the table in {path}: {reason}",
                hint=f"see whether {path / '_delta_log'} is whole; a table that is damaged can be moved away, "
                "and the next `up` makes a new one",
            ) from error
