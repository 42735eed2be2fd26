"""Rows of Delta tables on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow import fs

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.base.sql import identifier
from alchemesh_platform.data.backend import MODES, Backend, Source, Target, Written
from alchemesh_platform.data.conditions import Condition, expression, mask, sql
from alchemesh_platform.data.errors import (
    SHOWN_MAX,
    Misfit,
    NotReadable,
    NotWritable,
    conflict,
)
from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.types import as_plain, plain_schema
from alchemesh_platform.data.writing.checked import CheckedRows
from alchemesh_platform.data.writing.feed import fed
from alchemesh_platform.data.writing.given import BATCH_ROWS
from alchemesh_platform.data.writing.keys import KeySet
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.systems.local.data.fitting import columns_besides
from alchemesh_platform.systems.local.data.turns import turn_at
from alchemesh_platform.systems.local.tables.delta import last_change, open_table, table_exists

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable

FINGERPRINT = "alchemesh.fingerprint"  # key in the metadata of a commit
_TABLE = "rows"


class DeltaData(Backend):
    """Delta tables. A write is one commit; writers of this machine take turns, others are noticed."""

    name = "a Delta table"
    modes = MODES

    def read(self, source: Source) -> Rows:
        path = source.connection.path(source.model)
        with _reading(source):
            if not table_exists(path):
                raise NotReadable(
                    f"port {source.port!r}: there is no table of model {source.model!r} in {path}",
                    hint=remedy("{} creates it", command("up", about_product=True)),
                )
            table = open_table(path)
            there = _arrow_schema(table)
            wanted = source.schema
            if wanted is None:
                wanted = plain_schema(there)
                if source.columns is not None:
                    wanted = pa.schema([_column(source, wanted, name) for name in source.columns])
            for field in wanted:
                _column(source, there, field.name)
            dataset = None if has_deletion_vectors(table) else table_dataset(path, table)

        def batches() -> Iterator[pa.RecordBatch]:
            with _reading(source):
                if dataset is None:
                    columns = (*wanted.names, *(each.column for each in source.where))
                    for batch in _rows(table, _query(dict.fromkeys(columns))):
                        yield batch.filter(mask(batch, source.where)) if source.where else batch
                else:
                    yield from _scan(dataset, wanted.names, source.where)

        version = repr((path, table.metadata().id, table.version(), wanted.names, source.where))
        return Rows(wanted, batches, version=lambda: version)

    def version(self, connection: Any, model: str | None) -> str | None:
        path = connection.path(model)
        return str(open_table(path).version()) if table_exists(path) else None

    def fingerprint(self, target: Target) -> str | None:
        path = target.connection.path(target.model)
        if not table_exists(path):
            return None
        with _writing(target, None):
            found = last_change(open_table(path)).get(FINGERPRINT)
        return str(found) if found is not None else None

    def write(self, target: Target, rows: CheckedRows) -> Written:
        path = target.connection.path(target.model)
        if not table_exists(path):
            raise NotWritable(
                f"output port {target.port!r}: there is no table of model {target.model!r} in {path}",
                hint=remedy("{} creates it, then run the code again", command("up", about_product=True)),
            )
        with (
            storage_errors(f"write the table in {path}"),
            turn_at(path),
            _writing(target, rows),
        ):
            table = open_table(path)
            if target.write_id is not None and table.transaction_version(target.write_id) is not None:
                return _written(target, 0, table.version(), repeated=True)
            fields = json.loads(table.schema().to_json())["fields"]
            more = columns_besides(target, fields, _arrow_schema(table))
            _commit(target, rows, table, more)
            table.update_incremental()
        return _written(target, rows.count, table.version())


DATA = DeltaData()


def _commit(target: Target, rows: CheckedRows, table: DeltaTable, more: Sequence[pa.Field]) -> None:
    check = _against_table(target, rows, table)
    # Keys are compared with this version, and rows of it are replaced: a commit of another writer in between must
    # not pass unnoticed. Rows that are only added do not depend on it.
    properties = _properties(target, retries=None if target.mode == "append" and not target.unique else 0)

    def write(reader: pa.RecordBatchReader) -> None:
        _write(target, table, reader, properties)

    schema = pa.schema([*target.schema, *more])
    batches = _partitioned(target, rows, table.metadata().partition_columns, rows.batches(check))
    fed(schema, _widened(batches, schema), write)


def _write(target: Target, table: DeltaTable, reader: pa.RecordBatchReader, properties: CommitProperties) -> None:
    from deltalake import write_deltalake

    if target.mode == "merge":
        _merge(target, table, reader, properties)
    elif target.mode == "replace_where":
        where = sql(target.where, target.schema)
        write_deltalake(table, reader, mode="overwrite", predicate=where, commit_properties=properties)
    else:
        write_deltalake(table, reader, mode=target.mode, commit_properties=properties)


def _merge(target: Target, table: DeltaTable, reader: Any, properties: CommitProperties) -> None:
    same = " AND ".join(f"old.{identifier(name)} = new.{identifier(name)}" for name in target.key)
    merger = table.merge(reader, same, source_alias="new", target_alias="old", commit_properties=properties)
    names = list(target.properties)
    values = {identifier(name): f"new.{identifier(name)}" for name in names}
    merger.when_matched_update(values).when_not_matched_insert(values).execute()


def _properties(target: Target, retries: int | None) -> CommitProperties:
    from deltalake import CommitProperties, Transaction

    moment = int(datetime.now(UTC).timestamp() * 1000)
    transactions = [Transaction(target.write_id, 1, moment)] if target.write_id is not None else None
    about = {"alchemesh.run": target.run, FINGERPRINT: target.fingerprint}
    known = {name: value for name, value in about.items() if value is not None}
    return CommitProperties(custom_metadata=known or None, app_transactions=transactions, max_commit_retries=retries)


def _against_table(target: Target, rows: CheckedRows, table: DeltaTable) -> Callable[[Sequence[KeySet]], None] | None:
    """The check of unique columns against the rows that stay in the table; None if there is nothing to compare."""
    unique = [columns for columns in target.unique if target.mode != "merge" or columns != target.key]
    if target.mode == "overwrite" or not unique or not table.file_uris():
        return None
    path = target.connection.path(target.model)
    columns = {*target.key, *chain.from_iterable(unique), *(each.column for each in target.where)}
    existing = (
        ds.dataset(pa.Table.from_batches(list(_rows(table, _query(sorted(columns))))))
        if has_deletion_vectors(table)
        else table_dataset(path, table)
    )

    def check(keys: Sequence[KeySet]) -> None:
        written = {each.columns: each for each in keys}
        for columns in unique:
            batches = _staying(existing, target, written[columns])
            if target.mode == "merge":
                batches = written[target.key].without(batches)
            rows.refuse(list(written[columns].against(batches)))

    return check


def has_deletion_vectors(table: DeltaTable) -> bool:
    """Whether only the query engine reads the table right."""
    return "deletionVectors" in (table.protocol().reader_features or ())


def table_dataset(path: Path, table: DeltaTable) -> ds.Dataset:
    """The rows of a table, read by Arrow. While a table is written, the query engine runs the write."""
    return table.to_pyarrow_dataset(filesystem=fs.SubTreeFileSystem(str(path), fs.LocalFileSystem()))


def _scan(dataset: ds.Dataset, names: Iterable[str], where: Sequence[Condition]) -> Iterator[pa.RecordBatch]:
    """The rows that meet all conditions. Files are left out by statistics that are exact: those of integers and dates.

    Delta's log has statistics as JSON, in which a decimal is rounded, and a moment may be.
    """
    exact = [each for each in where if _has_exact_statistics(dataset.schema.field(each.column).type)]
    kept = expression(exact, dataset.schema) if exact else None
    columns = list(dict.fromkeys((*names, *(each.column for each in where))))
    scanner = dataset.scanner(columns=columns, filter=kept, batch_size=BATCH_ROWS, batch_readahead=4)
    for batch in scanner.to_batches():
        yield batch.filter(mask(batch, where)) if where else batch


def _has_exact_statistics(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_date(kind))


def _staying(existing: ds.Dataset, target: Target, keys: KeySet) -> Iterator[pa.RecordBatch]:
    """The rows that stay in the table and may have one of the written values."""
    bounds = keys.bounds()
    name = keys.columns[0]
    near: tuple[Condition, ...] = ()
    if bounds is not None and _has_exact_statistics(existing.schema.field(name).type):
        near = (Condition(name, ">=", bounds[0]), Condition(name, "<=", bounds[1]))
    replaced = target.where if target.mode == "replace_where" else ()
    names = (*keys.columns, *(target.key if target.mode == "merge" else ()), *(each.column for each in replaced))
    for batch in _scan(existing, names, near):
        yield batch.filter(pc.invert(mask(batch, replaced))) if replaced else batch


def _partitioned(
    target: Target, rows: CheckedRows, columns: Sequence[str], batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """The rows, whose partitions have a name: Delta reads an empty text there as null.

    Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#partition-value-serialization
    """
    texts = [
        name for name in columns if name in target.properties and pa.types.is_string(target.schema.field(name).type)
    ]
    before = 0
    for batch in batches:
        for name in texts:
            empty = pc.indices_nonzero(pc.fill_null(pc.equal(batch.column(name), ""), False)).to_pylist()[:SHOWN_MAX]
            rows.refuse([_unnamed(target, batch, name, at, before) for at in empty])
        before += batch.num_rows
        yield batch


def _unnamed(target: Target, batch: pa.RecordBatch, name: str, at: int, before: int) -> Misfit:
    key = tuple((each, batch.column(each)[at].as_py()) for each in target.key)
    why = "found an empty text, which the name of a partition cannot hold: write null, or another text"
    return Misfit(before + at + 1, name, why, key)


def _widened(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows with null in the columns that only the table has."""
    for batch in batches:
        missing = schema.types[batch.num_columns :]
        if not missing:
            yield batch
            continue
        columns = [*batch.columns, *(pa.nulls(batch.num_rows, kind) for kind in missing)]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _written(target: Target, rows: int, version: int, *, repeated: bool = False) -> Written:
    return Written(
        port=target.port, model=target.model, mode=target.mode, rows=rows, version=version, repeated=repeated
    )


def _arrow_schema(table: DeltaTable) -> pa.Schema:
    return pa.schema(table.schema().to_arrow())


def _column(source: Source, schema: pa.Schema, name: str) -> pa.Field:
    if name not in schema.names:
        raise NotReadable(
            f"port {source.port!r}: the table of model {source.model!r} has no column {name!r}; it has "
            f"{', '.join(schema.names)}",
            hint=remedy("{} updates the table to its model", command("up", about_product=True)),
        )
    return schema.field(name)


def _rows(table: DeltaTable, query: str) -> Iterator[pa.RecordBatch]:
    from deltalake import QueryBuilder

    for batch in pa.RecordBatchReader.from_stream(QueryBuilder().register(_TABLE, table).execute(query)):
        yield pa.RecordBatch.from_arrays([as_plain(column) for column in batch.columns], names=batch.schema.names)


def _query(columns: Iterable[str]) -> str:
    return f"SELECT {', '.join(identifier(name) for name in columns)} FROM {_TABLE}"  # noqa: S608 - quoted names


@contextmanager
def _reading(source: Source) -> Iterator[None]:
    from deltalake.exceptions import DeltaError

    try:
        yield
    except DeltaError as error:
        raise NotReadable(
            f"port {source.port!r}: the table of model {source.model!r} cannot be read: {_reason(error)}",
            hint=remedy("{} shows the health of the table", command("status", about_product=True)),
        ) from error


@contextmanager
def _writing(target: Target, rows: CheckedRows | None) -> Iterator[None]:
    """Turn errors of the library into those of this port; an error of a row is the one that was raised."""
    from deltalake.exceptions import CommitFailedError, DeltaError

    try:
        yield
    except CommitFailedError as error:
        raise ((rows and rows.failure) or conflict(target.port, target.model)) from error
    except DeltaError as error:
        if rows is not None and rows.failure is not None:
            raise rows.failure from None
        raise NotWritable(
            f"output port {target.port!r}: the table of model {target.model!r} cannot be written: {_reason(error)}",
            hint=remedy("{} shows the health of the table", command("status", about_product=True)),
        ) from error


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
