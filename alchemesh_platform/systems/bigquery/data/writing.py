"""Writing rows into a table of BigQuery: load jobs into a staging table, and one statement that commits.

A statement runs as a job with a fixed id for each write. BigQuery accepts an id once, so a write that is repeated finds
the job of the first time. It keeps jobs for 180 days:
https://cloud.google.com/bigquery/docs/managing-jobs#view_job_details
"""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.parquet as pq

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.data.backend import Target, Written
from alchemesh_platform.data.errors import SHOWN_MAX, Misfit, NotWritable, conflict, schema_moved
from alchemesh_platform.data.writing.checked import CheckedRows
from alchemesh_platform.data.writing.keys import KeySet
from alchemesh_platform.systems.bigquery.columns import Field, field_of
from alchemesh_platform.systems.bigquery.data import statements
from alchemesh_platform.systems.bigquery.data.client import TableName, client_of
from alchemesh_platform.systems.bigquery.data.reading import arrow_pages, reason_of
from alchemesh_platform.systems.bigquery.data.values import not_storable, stored_batch

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, QueryJob, SchemaField, Table

STAGING = "_alchemesh_staging_"
STAGING_KEPT = timedelta(days=1)  # that of a killed writer goes by itself
FILE_BYTES = 256 * 1024**2
ATTEMPTS_MAX = 100
_SERIALIZE = "could not serialize access"
_TRANSACTION = "transaction is aborted due to concurrent update"


def write_table(target: Target, rows: CheckedRows, table: TableName) -> Written:
    """Write checked rows with one statement.

    Raises:
        RowsRefused: when a row does not fit.
        SchemaMoved: when the table does not have the schema of the model.
        WriteConflict: when another writer changed the table meanwhile.
        NotWritable: when BigQuery refuses.
    """
    client = client_of(table.project, NotWritable, f"output port {target.port!r}")
    with _writing(target, rows, table):
        found = client.get_table(str(table))
        identity = _Identity.of(target.write_id, table, client, found.location)
        if identity.committed() is not None:
            return _written(target, 0, repeated=True)
        _check_schema(target, found)
        staging = _Staging(client, target, found, table)
        try:
            keys = staging.load(rows)
            if not rows.count and target.mode in {"append", "merge"}:
                return _written(target, 0)
            surviving = _surviving(target, str(staging.name))
            _check_keys(client, target, rows, keys, table, staging.name, surviving)
            job = identity.run(_statement(target, str(table), str(staging.name)))
            _finish(job, client, target, rows, keys, table, staging.name, surviving)
        finally:
            staging.remove()
    return _written(target, rows.count)


@dataclass(frozen=True, slots=True)
class _Identity:
    """The identity of a write: the beginning of the ids of its jobs. A job that failed counts as not run."""

    client: Client
    location: str | None
    prefix: str | None

    @classmethod
    def of(cls, write_id: str | None, table: TableName, client: Client, location: str | None) -> _Identity:
        if write_id is None:
            return cls(client, location, None)
        # The jobs of all environments in a project share their ids.
        digest = hashlib.sha256(f"{table}\n{write_id}".encode()).hexdigest()[:40]
        return cls(client, location, f"alchemesh_{digest}")

    def committed(self) -> QueryJob | None:
        """The job that committed this write; waits for one that still runs."""
        return self._look()[0]

    def run(self, statement: str) -> QueryJob:
        """Start the statement, unless it was started already."""
        from google.api_core.exceptions import Conflict
        from google.cloud.bigquery import QueryJobConfig

        if self.prefix is None:
            return self.client.query(statement, location=self.location, job_retry=None)
        committed, free = self._look()
        if committed is not None:
            return committed
        try:
            return self.client.query(
                statement, job_id=free, location=self.location, job_config=QueryJobConfig(), job_retry=None
            )
        except Conflict:  # this request reached BigQuery twice, or another process repeats the run: it is one write
            return cast("QueryJob", self.client.get_job(str(free), location=self.location))

    def _look(self) -> tuple[QueryJob | None, str | None]:
        from google.api_core.exceptions import GoogleAPICallError, NotFound

        if self.prefix is None:
            return None, None
        for attempt in range(1, ATTEMPTS_MAX + 1):
            name = f"{self.prefix}_{attempt}"
            try:
                job = self.client.get_job(name, location=self.location)
            except NotFound:
                return None, name
            with suppress(GoogleAPICallError):
                job.result()
            if job.error_result is None:
                return cast("QueryJob", job), None
        raise NotWritable(
            f"this write failed {ATTEMPTS_MAX} times", hint="correct its cause, and run the code again with another run"
        )


class _Staging:
    """A table beside the target, which holds the written rows until the statement moves them."""

    def __init__(self, client: Client, target: Target, found: Table, table: TableName) -> None:
        self.client = client
        self.target = target
        self.name = table.beside(f"{STAGING}{uuid.uuid4().hex}")
        self._location = found.location
        self._created = False
        self._fields = _staging_fields(found.schema, target.properties)

    def load(self, rows: CheckedRows) -> Sequence[KeySet]:
        """Load all rows; returns the values of the unique columns."""
        keys: list[KeySet] = []
        for file in self._files(self._stored(rows, keys)):
            self._create()
            self._load_file(file)
        if self.target.mode in {"overwrite", "replace_where"}:
            self._create()  # also to replace rows with none
        return keys

    def _create(self) -> None:
        from google.cloud.bigquery import Table

        if not self._created:
            table = Table(str(self.name), schema=self._fields)
            table.expires = datetime.now(UTC) + STAGING_KEPT
            self.client.create_table(table)
            self._created = True

    def remove(self) -> None:
        """Remove the table. It goes by itself where this fails."""
        from google.api_core.exceptions import GoogleAPIError

        if not self._created:
            return
        with suppress(GoogleAPIError):
            self.client.delete_table(str(self.name), not_found_ok=True)

    def _stored(self, rows: CheckedRows, keys: list[KeySet]) -> Iterator[pa.RecordBatch]:
        before = 0
        for batch in rows.batches(keys.extend):
            rows.refuse(_misfits(self.target, batch, before))
            yield stored_batch(batch, self.target.properties)
            before += batch.num_rows

    def _files(self, batches: Iterator[pa.RecordBatch]) -> Iterator[IO[bytes]]:
        """Parquet files of a limited size, so that the memory of the code stays bounded."""
        more = next(batches, None)
        while more is not None:
            with tempfile.TemporaryFile(prefix="alchemesh-load-") as file:
                with pq.ParquetWriter(file, more.schema) as writer:
                    while more is not None and file.tell() < FILE_BYTES:
                        writer.write_batch(more)
                        more = next(batches, None)
                file.seek(0)
                yield file

    def _load_file(self, file: IO[bytes]) -> None:
        from google.cloud.bigquery import LoadJobConfig, ParquetOptions, SourceFormat, WriteDisposition

        options = ParquetOptions()  # type: ignore[no-untyped-call]
        options.enable_list_inference = True
        config = LoadJobConfig(
            source_format=SourceFormat.PARQUET,
            schema=self._fields,
            write_disposition=WriteDisposition.WRITE_APPEND,
            parquet_options=options,
        )
        self.client.load_table_from_file(file, str(self.name), location=self._location, job_config=config).result()


def _staging_fields(schema: Sequence[SchemaField], properties: Mapping[str, object]) -> list[SchemaField]:
    from google.cloud.bigquery import SchemaField

    def plain(field: SchemaField) -> SchemaField:
        mode = "REPEATED" if field.mode == "REPEATED" else "NULLABLE"
        return SchemaField(
            field.name,
            field.field_type,
            mode,
            fields=[plain(part) for part in field.fields],
            precision=field.precision,
            scale=field.scale,
        )

    known = {field.name: field for field in schema}
    return [plain(known[name]) for name in properties]


def _misfits(target: Target, batch: pa.RecordBatch, before: int) -> list[Misfit]:
    found = sorted(not_storable(batch, target.properties))[:SHOWN_MAX]
    return [
        Misfit(before + row + 1, path, why, tuple((name, batch.column(name)[row].as_py()) for name in target.key))
        for row, path, why in found
    ]


def _check_schema(target: Target, found: Table) -> None:
    """Compare the table with the model, with the words that Delta tables have.

    Raises:
        SchemaMoved: when rows of the model do not fit the table.
    """
    there = {field.name: field.to_api_repr() for field in found.schema}
    for name, declared in target.properties.items():
        if name not in there:
            raise schema_moved(target.port, target.model, f"it has no column {name}")
        wanted = field_of(name, declared, {}, top=True)
        if _shape(there[name]) != _shape(wanted):
            raise schema_moved(target.port, target.model, f"column {name} is {_in_words(there[name])} there")
        if there[name].get("mode") == "REQUIRED" and not declared.required:
            raise schema_moved(target.port, target.model, f"column {name} is required there")
    for name, field in there.items():
        if name not in target.properties and field.get("mode") == "REQUIRED":
            raise schema_moved(target.port, target.model, f"it requires a column {name}, which the model has not")


_STANDARD = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD", "BIGDECIMAL": "BIGNUMERIC"}
_WORDS = {"FLOAT": "number", "RECORD": "object"}


def _shape(field: Field) -> tuple[object, ...]:
    kind = str(field["type"])
    parts = tuple((part["name"], _shape(part)) for part in field.get("fields") or ())
    return (_STANDARD.get(kind, kind), field.get("mode") == "REPEATED", parts, *_digits(field))


def _digits(field: Field) -> tuple[int, int]:
    return int(field.get("precision") or 0), int(field.get("scale") or 0)


def _in_words(field: Field) -> str:
    kind = _STANDARD.get(str(field["type"]), str(field["type"]))
    precision, scale = _digits(field)
    if kind in {"NUMERIC", "BIGNUMERIC"}:
        words = f"decimal({precision},{scale})" if precision else kind.lower()
    elif kind == "RECORD":
        words = f"object of {', '.join(part['name'] for part in field.get('fields') or ())}"
    else:
        words = _WORDS.get(kind, kind.lower())
    return f"array of {words}" if field.get("mode") == "REPEATED" else words


def _statement(target: Target, table: str, staging: str) -> str:
    columns = list(target.properties)
    match target.mode:
        case "append":
            return statements.append(table, staging, columns, target.key)
        case "merge":
            return statements.merge(table, staging, columns, target.key)
        case "replace_where":
            region = statements.predicate(target.where, target.properties, "t.")
            return statements.replace(table, staging, columns, region)
        case _:
            return statements.replace(table, staging, columns)


def _surviving(target: Target, staging: str) -> str | None:
    """The condition of the rows ``t`` that stay; None if none does."""
    match target.mode:
        case "append":
            return "TRUE"
        case "merge":
            return statements.not_merged(staging, target.key)
        case "replace_where":
            return statements.outside(statements.predicate(target.where, target.properties, "t."))
        case _:
            return None


def _check_keys(
    client: Client,
    target: Target,
    rows: CheckedRows,
    keys: Sequence[KeySet],
    table: TableName,
    staging: TableName,
    surviving: str | None,
    *,
    again: bool = False,
) -> None:
    """Compare unique columns with the rows that stay in the table.

    Args:
        again: Whether the statement of an append has found a row with the key of a new one.

    Raises:
        RowsRefused: when one has the value of a new row.
    """
    if surviving is None or not rows.count:
        return
    for each in keys:
        if each.columns == target.key and _is_sure(target, again=again):
            continue  # a merge replaces these rows, and the statement of an append finds them itself
        query = client.query(statements.duplicates(str(table), str(staging), each.columns, surviving, SHOWN_MAX))
        existing = (_typed(batch, each, target) for batch in arrow_pages(client, query))
        rows.refuse(list(each.against(existing)))


def _is_sure(target: Target, *, again: bool) -> bool:
    """Whether the statement itself takes care of the key."""
    return target.mode == "merge" or (target.mode == "append" and not again)


def _typed(batch: pa.RecordBatch, keys: KeySet, target: Target) -> pa.RecordBatch:
    from alchemesh_platform.data.types import arrow_schema
    from alchemesh_platform.systems.bigquery.data.reading import in_model

    properties = {name: target.properties[name].model_copy(update={"required": False}) for name in keys.columns}
    return in_model(batch, properties, arrow_schema(properties))


def _finish(
    job: QueryJob,
    client: Client,
    target: Target,
    rows: CheckedRows,
    keys: Sequence[KeySet],
    table: TableName,
    staging: TableName,
    surviving: str | None,
) -> None:
    """Wait for the statement."""
    from google.api_core.exceptions import GoogleAPICallError

    try:
        job.result()
    except GoogleAPICallError as error:
        if statements.DUPLICATE in str(error):  # a row that came after the comparison
            _check_keys(client, target, rows, keys, table, staging, surviving, again=True)
            raise conflict(target.port, target.model) from error
        raise


@contextmanager
def _writing(target: Target, rows: CheckedRows, table: TableName) -> Iterator[None]:
    """Turn errors of BigQuery into those of this port; an error of a row is the one that was raised."""
    from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except NotFound as error:
        raise NotWritable(
            f"output port {target.port!r}: there is no table of model {target.model!r} in {table}",
            hint=remedy("{} creates it, then run the code again", command("up", about_product=True)),
        ) from error
    except Forbidden as error:
        raise NotWritable(
            f"output port {target.port!r}: the account of this code may not write {table}: {reason_of(error)}",
            hint=remedy("{} gives the account of the code its rights", command("up", about_product=True)),
        ) from error
    except (GoogleAPIError, GoogleAuthError) as error:
        if rows.failure is not None:
            raise rows.failure from None
        reason = reason_of(error)
        if any(words in reason.lower() for words in (_SERIALIZE, _TRANSACTION)):
            raise conflict(target.port, target.model) from error
        raise NotWritable(
            f"output port {target.port!r}: the table of model {target.model!r} cannot be written: {reason}",
            hint=remedy("{} shows the health of the table", command("status", about_product=True)),
        ) from error


def _written(target: Target, rows: int, *, repeated: bool = False) -> Written:
    return Written(port=target.port, model=target.model, mode=target.mode, rows=rows, repeated=repeated)
