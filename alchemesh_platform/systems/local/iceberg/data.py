"""Rows of Iceberg tables on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.data.backend import MODES, Backend, Source, Target, Written
from alchemesh_platform.data.conditions import Condition, mask
from alchemesh_platform.data.errors import NotReadable, NotWritable, conflict
from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.types import as_plain, plain_schema
from alchemesh_platform.data.writing.checked import CheckedRows
from alchemesh_platform.data.writing.keys import KeySet
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.systems.local.data.fitting import columns_besides
from alchemesh_platform.systems.local.data.turns import turn_at
from alchemesh_platform.systems.local.iceberg.catalog import Place, errors_of_library, local_file, reason_of
from alchemesh_platform.systems.local.iceberg.schema import fields_of
from alchemesh_platform.systems.local.iceberg.tables import (
    FINGERPRINT,
    WRITE_ID,
    data_files,
    fingerprint_of,
    has_write,
)

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask, Table

RUN = "alchemesh.run"
_RETRIES = "commit.retry.num-retries"
_FILE_BYTES = 64 * 1024 * 1024  # of rows in memory, before they are compressed into a file
_STRICT = {"<": "LessThan", "<=": "LessThanOrEqual", ">": "GreaterThan", ">=": "GreaterThanOrEqual", "=": "EqualTo"}


class IcebergData(Backend):
    """Iceberg tables. A write is one commit; writers of this machine take turns, others are noticed."""

    name = "an Iceberg table"
    modes = MODES

    def read(self, source: Source) -> Rows:
        place = Place.of(source.connection, source.model or "")
        with _reading(source):
            table = place.table_or_none()
            if table is None:
                raise NotReadable(
                    f"port {source.port!r}: there is no table of model {source.model!r} in {place.path}",
                    hint=remedy("{} creates it", command("up", about_product=True)),
                )
            there = arrow_schema(table)
            wanted = source.schema
            if wanted is None:
                names = source.columns or there.names
                wanted = pa.schema([_column(source, there, name) for name in names])
            for each in wanted:
                _column(source, there, each.name)

        def batches() -> Iterator[pa.RecordBatch]:
            with _reading(source):
                yield from scan(table, wanted.names, source.where)

        version = repr((place.identifier, table.metadata.table_uuid, _number(table), wanted.names, source.where))
        return Rows(wanted, batches, version=lambda: version)

    def version(self, connection: Any, model: str | None) -> str | None:
        table = Place.of(connection, model or "").table_or_none()
        return None if table is None else str(_number(table))

    def fingerprint(self, target: Target) -> str | None:
        with _writing(target, None):
            table = Place.of(target.connection, target.model).table_or_none()
            return None if table is None else fingerprint_of(table)

    def write(self, target: Target, rows: CheckedRows) -> Written:
        place = Place.of(target.connection, target.model)
        with _writing(target, rows):
            if place.table_or_none() is None:
                raise NotWritable(
                    f"output port {target.port!r}: there is no table of model {target.model!r} in {place.path}",
                    hint=remedy("{} creates it, then run the code again", command("up", about_product=True)),
                )
        with storage_errors(f"write the table in {place.path}"), turn_at(place.path), _writing(target, rows):
            table = place.open()
            if target.write_id is not None and has_write(table, target.write_id):
                return _written(target, 0, _number(table), repeated=True)
            columns_besides(target, fields_of(table.schema()), arrow_schema(table))
            table = _commit(target, rows, table)
        return _written(target, rows.count, _number(table))


DATA = IcebergData()


def arrow_schema(table: Table) -> pa.Schema:
    """The Arrow schema of a table, with the usual types."""
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    return plain_schema(schema_to_pyarrow(table.schema(), include_field_ids=False))


def scan(
    table: Table,
    names: Iterable[str],
    where: Sequence[Condition] = (),
    tasks: Iterable[FileScanTask] | None = None,
) -> Iterator[pa.RecordBatch]:
    """The rows of a table, or of some of its files, that meet all conditions. One file is in memory at a time.

    The library leaves out files by their partitions and statistics. The conditions themselves are evaluated here, as
    for every technology.
    """
    from pyiceberg.expressions import AlwaysTrue
    from pyiceberg.io.pyarrow import ArrowScan

    columns = list(dict.fromkeys((*names, *(each.column for each in where))))
    reading = ArrowScan(table.metadata, table.io, table.schema().select(*columns), AlwaysTrue())
    for task in table.scan(near(where, table)).plan_files() if tasks is None else tasks:
        for batch in reading.to_record_batches([task]):
            yield batch.filter(mask(_plain(batch), where)) if where else batch


def near(where: Sequence[Condition], table: Table) -> BooleanExpression:
    """Conditions as the library has them, to leave out files. Only those whose statistics compare as values do."""
    from pyiceberg import expressions as known

    found: BooleanExpression = known.AlwaysTrue()
    schema = arrow_schema(table)
    for each in where:
        kind = schema.field(each.column).type
        if not (pa.types.is_integer(kind) or pa.types.is_date(kind) or pa.types.is_string(kind)):
            continue
        if each.operator in _STRICT:
            found = known.And(found, getattr(known, _STRICT[each.operator])(each.column, each.value))
        elif each.operator == "in":
            found = known.And(found, known.In(each.column, set(each.value)))
    return found


@dataclass
class _Files:
    """The files that one write adds. They are removed if it fails."""

    table: Table
    added: list[DataFile] = field(default_factory=list)

    def add(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Write rows, in files of a limited size: one for each partition."""
        waiting: list[pa.RecordBatch] = []
        size = 0
        for batch in batches:
            waiting.append(batch)
            size += batch.nbytes
            if size >= _FILE_BYTES:
                self._write(waiting)
                waiting, size = [], 0
        self._write(waiting)

    def _write(self, batches: Sequence[pa.RecordBatch]) -> None:
        from pyiceberg.io.pyarrow import _dataframe_to_data_files

        if any(batch.num_rows for batch in batches):
            whole = pa.Table.from_batches([_plain(batch) for batch in batches])
            self.added += _dataframe_to_data_files(self.table.metadata, whole, self.table.io)

    def remove(self) -> None:
        """Remove them."""
        for each in self.added:
            with suppress(OSError):
                local_file(each.file_path).unlink(missing_ok=True)


def _commit(target: Target, rows: CheckedRows, table: Table) -> Table:
    """Write the rows and commit them, with the version that they were compared with."""
    from pyiceberg.table.update import AssertCurrentSchemaId

    # Keys are compared with this version, and rows of it are replaced: a commit of another writer in between must
    # not pass unnoticed. Rows that are only added do not depend on it, as long as the schema stays.
    if target.mode != "append" or target.unique:
        table.metadata = table.metadata.model_copy(update={"properties": {**table.properties, _RETRIES: "0"}})
    files = _Files(table)
    tasks = data_files(table)
    try:
        files.add(rows.batches(lambda keys: _check(target, rows, table, tasks, keys)))
        gone = _replaced(target, table, tasks, rows.keys, files)
        with table.transaction() as change:
            change._stage((), (AssertCurrentSchemaId(current_schema_id=table.metadata.current_schema_id),))
            snapshot = change.update_snapshot(snapshot_properties=_about(target))
            with snapshot.fast_append() if target.mode == "append" else snapshot.overwrite() as produced:
                for each in files.added:
                    produced.append_data_file(each)
                for each in gone:
                    produced.delete_data_file(each)
    except BaseException:
        files.remove()
        raise
    return table


def _about(target: Target) -> dict[str, str]:
    known = {RUN: target.run, FINGERPRINT: target.fingerprint, WRITE_ID: target.write_id}
    return {name: value for name, value in known.items() if value is not None}


def _check(
    target: Target, rows: CheckedRows, table: Table, tasks: Sequence[FileScanTask], keys: Sequence[KeySet]
) -> None:
    """Compare unique columns with the rows that stay in the table."""
    if target.mode == "overwrite":
        return
    key = next((each for each in keys if each.columns == target.key), None)
    for each in keys:
        if target.mode == "merge" and each is key:
            continue
        others = key.columns if key is not None and target.mode == "merge" else ()
        near_tasks = _near_keys(table, each) if target.mode != "merge" else tasks
        existing = scan(table, (*each.columns, *others, *(one.column for one in target.where)), (), near_tasks)
        rows.refuse(list(each.against(_staying(target, existing, key))))


def _near_keys(table: Table, keys: KeySet) -> list[FileScanTask]:
    """The files that may have one of the keys, by their statistics."""
    bounds = keys.bounds()
    name = keys.columns[0]
    conditions = [] if bounds is None else [Condition(name, ">=", bounds[0]), Condition(name, "<=", bounds[1])]
    return list(table.scan(near(conditions, table)).plan_files())


def _staying(target: Target, batches: Iterable[pa.RecordBatch], key: KeySet | None) -> Iterator[pa.RecordBatch]:
    """The existing rows that a write does not replace."""
    if target.mode == "merge" and key is not None:
        yield from key.without(_plain(each) for each in batches)
        return
    for batch in batches:
        plain = _plain(batch)
        yield plain.filter(pc.invert(mask(plain, target.where))) if target.mode == "replace_where" else plain


def _replaced(
    target: Target, table: Table, tasks: Sequence[FileScanTask], keys: Sequence[KeySet], files: _Files
) -> list[DataFile]:
    """The files that a write replaces. Rows of them that stay are written into new files."""
    if target.mode == "append":
        return []
    if target.mode == "overwrite":
        return [each.file for each in tasks]
    key = next((each for each in keys if each.columns == target.key), None)
    if target.mode == "replace_where":
        candidates = list(table.scan(near(target.where, table)).plan_files())
    else:
        candidates = _near_keys(table, key) if key is not None else []
    gone = []
    for task in candidates:
        before = list(scan(table, arrow_schema(table).names, (), [task]))
        staying = list(_staying(target, before, key))
        if sum(each.num_rows for each in staying) < sum(each.num_rows for each in before):
            gone.append(task.file)
            files.add(staying)
    return gone


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([as_plain(column) for column in batch.columns], names=batch.schema.names)


def _number(table: Table) -> int:
    """The version of the rows: the sequence number of the last snapshot."""
    return int(table.metadata.last_sequence_number)


def _written(target: Target, rows: int, version: int, *, repeated: bool = False) -> Written:
    return Written(
        port=target.port, model=target.model, mode=target.mode, rows=rows, version=version, repeated=repeated
    )


def _column(source: Source, schema: pa.Schema, name: str) -> pa.Field:
    if name not in schema.names:
        raise NotReadable(
            f"port {source.port!r}: the table of model {source.model!r} has no column {name!r}; it has "
            f"{', '.join(schema.names)}",
            hint=remedy("{} updates the table to its model", command("up", about_product=True)),
        )
    return schema.field(name)


@contextmanager
def _reading(source: Source) -> Iterator[None]:
    known: tuple[type[Exception], ...] = (*errors_of_library(), OSError)
    try:
        yield
    except known as error:
        raise NotReadable(
            f"port {source.port!r}: the table of model {source.model!r} cannot be read: {reason_of(error)}",
            hint=remedy("{} shows the health of the table", command("status", about_product=True)),
        ) from error


@contextmanager
def _writing(target: Target, rows: CheckedRows | None) -> Iterator[None]:
    """Turn errors of the library into those of this port; an error of a row is the one that was raised."""
    from pyiceberg.exceptions import CommitFailedException, ValidationException

    known: tuple[type[Exception], ...] = errors_of_library()
    try:
        yield
    except known as error:
        if rows is not None and rows.failure is not None:
            raise rows.failure from None
        if isinstance(error, CommitFailedException | ValidationException):
            raise conflict(target.port, target.model) from error
        raise NotWritable(
            f"output port {target.port!r}: the table of model {target.model!r} cannot be written: {reason_of(error)}",
            hint=remedy("{} shows the health of the table", command("status", about_product=True)),
        ) from error
