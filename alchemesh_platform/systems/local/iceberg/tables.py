"""Iceberg tables on this machine: they are created with a model's columns, and evolve with the model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from alchemesh_platform.sdk.observation import TableObservation
from alchemesh_platform.sdk.system.cloud_object import Changed
from alchemesh_platform.sdk.system.drift import Deviation
from alchemesh_platform.systems.local.iceberg.catalog import Place, iceberg_errors, local_file
from alchemesh_platform.systems.local.iceberg.schema import fields_of, iceberg_schema, partition_spec, partitions_of
from alchemesh_platform.systems.local.tables.delta import TableState, cannot_follow
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
    from pyiceberg.table import FileScanTask, Table
    from pyiceberg.table.snapshots import Snapshot

# Properties of a table: those of the platform, and the ones that other tools read.
_RETENTION = "alchemesh.retention-hours"
_RETENTION_OF_ICEBERG = "history.expire.max-snapshot-age-ms"
_DESCRIPTION = "comment"
_HOUR_MS = 3_600_000
# Of snapshots that were removed: what is still needed of them.
CHANGED_AT = "alchemesh.changed-at-ms"
FINGERPRINT = "alchemesh.fingerprint"
WRITE_ID = "alchemesh.write-id"
WRITES = "alchemesh.writes"


def data_files(table: Table) -> list[FileScanTask]:
    """The files of the current version, each with its deleted rows."""
    return list(table.scan().plan_files())


def missing_files(place: Place) -> list[str]:
    """The files of the current version that do not exist.

    Raises:
        TableFailed: when the metadata cannot be read.
    """
    with iceberg_errors("read", place):
        table = place.table_or_none()
        files = [] if table is None else [local_file(each.file.file_path) for each in data_files(table)]
    return [file.name for file in files if not file.is_file()]


def table_exists(place: Place) -> bool:
    """Whether the catalog has the table, or the folder has its metadata."""
    with iceberg_errors("read", place):
        return place.table_or_none() is not None


def read_table(place: Place) -> TableState | None:
    """Read a table's metadata without its data; None if there is no table.

    Raises:
        TableFailed: when the metadata cannot be read.
    """
    with iceberg_errors("read", place):
        table = place.table_or_none()
        return None if table is None else state_of(table)


def state_of(table: Table) -> TableState:
    """The state of a table from its metadata. Its version is the sequence number of its last snapshot."""
    files = data_files(table)
    rows = table.scan().count() if any(each.delete_files for each in files) else sum(f.file.record_count for f in files)
    return TableState(
        schema_of(table),
        rows,
        sum(each.file.file_size_in_bytes for each in files),
        table.metadata.last_sequence_number,
        changed_at(table),
        _without_null(table, files),
    )


def schema_of(table: Table) -> TableSchema:
    """The current schema of a table. The catalog has its name, which does not change."""
    return TableSchema(
        fields_of(table.schema()),
        partitions_of(table.spec(), table.schema()),
        table.name()[-1],
        table.properties.get(_DESCRIPTION, ""),
        retention_hours(table),
    )


def observe_table(place: Place) -> TableObservation | None:
    """The number of rows, the size, the last change and the retention of a table; None if there is no table."""
    from alchemesh_platform.systems.local.iceberg.former import former_files

    with iceberg_errors("read", place):
        table = place.table_or_none()
        if table is None:
            return None
        state = state_of(table)
        seen = TableObservation(state.rows, state.size_bytes, state.changed_at)
        hours = retention_hours(table)
        if hours is None:
            return seen
        return replace(seen, retention=timedelta(hours=hours), overdue_files=len(former_files(table, place, hours)))


def plan_table(place: Place, wanted: TableSchema) -> Evolution | None:
    """The steps that update a table to a schema; None if there is no table. Changes nothing."""
    state = read_table(place)
    if state is None:
        return None
    return plan_evolution(state.schema, wanted, empty=state.rows == 0, without_null=state.without_null)


def deviations_of(place: Place, wanted: TableSchema) -> tuple[Deviation, ...]:
    """The properties of an existing table that differ from its declaration."""
    with iceberg_errors("read", place):
        return tuple(deviations(schema_of(place.open()), wanted))


def last_redefinition(place: Place) -> Changed:
    """The time of the last change of a table's definition, if no row changed since. The metadata name no author."""
    with iceberg_errors("read", place):
        table = place.open()
    moment = table.metadata.last_updated_ms
    if any(each.timestamp_ms == moment for each in table.snapshots()):
        return Changed()
    return Changed(None, _moment(moment))


def evolve_table(place: Place, wanted: TableSchema, *, replace: bool = False) -> tuple[Step, ...] | None:
    """Create a table, or evolve the existing one. Each step is one commit: the next run resumes it.

    Args:
        place: Place of the table.
        wanted: Schema of the table.
        replace: Whether a table that cannot follow is re-created without its rows.

    Returns:
        The steps taken; None when the table was created.

    Raises:
        TableFailed: when the table cannot follow, with every reason, or the catalog or the file system refuses.
    """
    evolution = plan_table(place, wanted)
    if evolution is None:
        with iceberg_errors("create", place):
            registered = _registered(place)
            if not registered:
                _create(place, wanted)
                return None
        evolution = plan_table(place, wanted)
        assert evolution is not None  # noqa: S101 - it was registered just now
    steps = evolution.steps
    if evolution.incompatible:
        if not replace:
            raise cannot_follow(place.path, evolution)
        steps = (Recreate(),)
    with iceberg_errors("change", place):
        for step in steps:
            _take(step, place, wanted)
    return steps


def _registered(place: Place) -> bool:
    """Whether the catalog now knows a table whose files were there."""
    found = place.newest_version()
    if found is None:
        return False
    place.writable().register_table(place.identifier, found)
    return True


def _create(place: Place, wanted: TableSchema) -> None:
    catalog = place.writable()
    place.forget()  # an entry whose files are gone
    schema = iceberg_schema(wanted.fields)
    catalog.create_table(
        place.identifier,
        schema,
        location=place.location,
        partition_spec=partition_spec(schema, wanted.partition_by),
        properties={
            **_retention_properties(wanted.retention_hours),
            **({_DESCRIPTION: wanted.description} if wanted.description else {}),
        },
    )


def _retention_properties(hours: int | None) -> dict[str, str]:
    return {} if hours is None else {_RETENTION: str(hours), _RETENTION_OF_ICEBERG: str(hours * _HOUR_MS)}


def retention_hours(table: Table) -> int | None:
    """The age after which former versions are removed, as `up` set it; None if they stay."""
    found = table.properties.get(_RETENTION, "")
    return int(found) if found.isdecimal() and int(found) > 0 else None


def _take(step: Step, place: Place, wanted: TableSchema) -> None:
    table = place.open()
    match step:
        case AddColumn(field):
            with table.update_schema() as change:
                change.union_by_name(iceberg_schema([field]))
        case AllowNull(column):
            with table.update_schema() as change:
                change.make_column_optional(column)
        case RefuseNull(column):
            with table.update_schema(allow_incompatible_changes=True) as change:
                change.update_column(column, required=True)
        case Describe(None, description):
            _set(table, {_DESCRIPTION: description or None})
        case Describe(str(column), description):
            with table.update_schema() as change:
                change.update_column(column, doc=description)
        case Rename():
            return  # the catalog has the name
        case Retain(None):
            _set(table, {_RETENTION: None, _RETENTION_OF_ICEBERG: None})
        case Retain(int(hours)):
            _set(table, dict(_retention_properties(hours)))
        case Recreate():
            place.writable().purge_table(place.identifier)
            _create(place, wanted)


def _set(table: Table, properties: dict[str, str | None]) -> None:
    with table.transaction() as change:
        removed = [name for name, value in properties.items() if value is None and name in table.properties]
        if removed:
            change.remove_properties(*removed)
        kept = {name: value for name, value in properties.items() if value is not None}
        if kept:
            change.set_properties(kept)


def _without_null(table: Table, files: Sequence[FileScanTask]) -> frozenset[str]:
    return frozenset(
        field.name
        for field in table.schema().fields
        if all((each.file.null_value_counts or {}).get(field.field_id) == 0 for each in files)
    )


def history(table: Table) -> Iterator[Snapshot]:
    """The snapshots that led to the current version, the last one first."""
    found = table.current_snapshot()
    while found is not None:
        yield found
        found = table.snapshot_by_id(found.parent_snapshot_id) if found.parent_snapshot_id is not None else None


def last_change(table: Table) -> Snapshot | None:
    """The last snapshot that changed rows; None if there is none. A compaction, called replace, changes no row."""
    from pyiceberg.table.snapshots import Operation

    changing = (each for each in history(table) if each.summary is None or each.summary.operation != Operation.REPLACE)
    return next(changing, None)


def changed_at(table: Table) -> datetime | None:
    """When rows last changed; None if they never did."""
    found = last_change(table)
    if found is not None:
        return _moment(found.timestamp_ms)
    kept = table.properties.get(CHANGED_AT)
    return _moment(int(kept)) if kept is not None and table.current_snapshot() is not None else None


def noted(snapshot: Snapshot | None, name: str) -> str | None:
    """A note of a write of the platform, in the summary of its snapshot; None if there is none."""
    if snapshot is None or snapshot.summary is None:
        return None
    found: Any = snapshot.summary.additional_properties.get(name)
    return str(found) if found is not None else None


def fingerprint_of(table: Table) -> str | None:
    """The fingerprint of the last write; None if another tool changed rows since."""
    found = last_change(table)
    return noted(found, FINGERPRINT) if found is not None else table.properties.get(FINGERPRINT)


def has_write(table: Table, write_id: str) -> bool:
    """Whether the table has a write of this identity. It stays known after its snapshot was removed."""
    return any(noted(each, WRITE_ID) == write_id for each in table.snapshots()) or write_id in former_writes(table)


def former_writes(table: Table) -> list[str]:
    """The identities of writes whose snapshots were removed."""
    found: list[str] = json.loads(table.properties.get(WRITES, "[]"))
    return found


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
