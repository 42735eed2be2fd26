"""Rows of a table or view of BigQuery: the result of a query, in pages or by the Storage API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.data.backend import Source
from alchemesh_platform.data.errors import NotReadable
from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.types import arrow_schema
from alchemesh_platform.data.values.convert import TypeUnfit, converted
from alchemesh_platform.manifest.models import LogicalType, Property
from alchemesh_platform.systems.bigquery.data.client import EMULATOR_VARIABLE, TableName, client_of
from alchemesh_platform.systems.bigquery.data.statements import name_of, predicate

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, QueryJob, SchemaField

ROWS_IN_PAGE = 50_000
STORAGE_API = "google.cloud.bigquery_storage"
_MOST_DIGITS = 38
_TYPES: dict[str, LogicalType] = {
    "STRING": LogicalType.STRING,
    "INTEGER": LogicalType.INTEGER,
    "INT64": LogicalType.INTEGER,
    "FLOAT": LogicalType.NUMBER,
    "FLOAT64": LogicalType.NUMBER,
    "NUMERIC": LogicalType.NUMBER,
    "BIGNUMERIC": LogicalType.NUMBER,
    "BOOLEAN": LogicalType.BOOLEAN,
    "BOOL": LogicalType.BOOLEAN,
    "DATE": LogicalType.DATE,
    "TIME": LogicalType.TIME,
    "TIMESTAMP": LogicalType.TIMESTAMP,
    "RECORD": LogicalType.OBJECT,
    "STRUCT": LogicalType.OBJECT,
}
_SCALES = {"NUMERIC": 9, "BIGNUMERIC": 18}  # of a decimal without a precision


def read_table(source: Source, table: TableName) -> Rows:
    """The rows of a table or view. The query starts now, so all uses see the rows of this moment.

    Raises:
        NotReadable: when there is no such table, a column is missing, or the code may not read it.
    """
    place = f"port {source.port!r}"
    client = client_of(table.project, NotReadable, place)
    with reading(source, table):
        fields = {field.name: field for field in client.get_table(str(table)).schema}
        names = source.columns or tuple(source.properties or fields)
        needed = dict.fromkeys((*names, *(each.column for each in source.where)))
        for name in needed:
            if name not in fields:
                raise NotReadable(
                    f"{place}: the table of model {source.model!r} has no column {name!r}; it has {', '.join(fields)}",
                    hint=remedy("{} updates the table to its model", command("up", about_product=True)),
                )
        properties = source.properties or _properties([fields[name] for name in needed])
        chosen = ", ".join(map(name_of, names))
        condition = predicate(source.where, properties)
        query = client.query(f"SELECT {chosen} FROM `{table}` WHERE {condition}")  # noqa: S608 - quoted names and literals
    schema = source.schema or arrow_schema({name: properties[name] for name in names})

    def batches() -> Iterator[pa.RecordBatch]:
        with reading(source, table):
            for batch in arrow_pages(client, query):
                yield in_model(batch, {name: properties[name] for name in names}, schema)

    return Rows(schema, batches)


def arrow_pages(client: Client, query: QueryJob) -> Iterator[pa.RecordBatch]:
    """The result of a query, by the Storage API or, without the library or the right to use it, in pages.

    Each call reads the result from the start.
    """
    from google.api_core.exceptions import Forbidden

    fast = _storage_client(client)
    if fast is not None:
        found = iter(query.result().to_arrow_iterable(bqstorage_client=fast))
        try:
            first = next(found, None)
        except Forbidden:  # the role bigquery.readSessionUser is not given to every account
            pass
        else:
            yield from () if first is None else (first,)
            yield from found
            return
    yield from query.result(page_size=ROWS_IN_PAGE).to_arrow_iterable(bqstorage_client=None)


def in_model(batch: pa.RecordBatch, properties: Mapping[str, Property], schema: pa.Schema) -> pa.RecordBatch:
    """A batch with the types of a model. Values stay the same.

    Raises:
        NotReadable: when a value does not fit: the table has another type than the model.
    """
    columns = []
    for name, declared in properties.items():
        try:
            found = converted(batch.column(name), declared, name)
        except TypeUnfit as error:
            raise NotReadable(f"the table does not fit its model: {name}: {error}", hint=_UPDATE) from error
        if found.unfit:
            ((_row, why), *_), path = found.unfit[0].rows, found.unfit[0].path
            raise NotReadable(f"the table does not fit its model: {path}: {why}", hint=_UPDATE)
        columns.append(found.array)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


_UPDATE = remedy("{} updates the table to its model", command("up", about_product=True))


@contextmanager
def reading(source: Source, table: TableName) -> Iterator[None]:
    """Turn errors of BigQuery into those of this port."""
    from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except NotFound as error:
        raise NotReadable(
            f"port {source.port!r}: there is no table of model {source.model!r} in {table}",
            hint=remedy("{} creates it", command("up", about_product=True)),
        ) from error
    except Forbidden as error:
        raise NotReadable(
            f"port {source.port!r}: the account of this code may not read {table}: {reason_of(error)}",
            hint=remedy("the owner of the port grants access; {} shows the grants", command("access", "list")),
        ) from error
    except (GoogleAPIError, GoogleAuthError) as error:
        raise NotReadable(
            f"port {source.port!r}: the table of model {source.model!r} cannot be read: {reason_of(error)}",
            hint=remedy("{} shows the health of the table", command("status", about_product=True)),
        ) from error


def reason_of(error: Exception) -> str:
    """The service's own message, without the address of the request."""
    message = getattr(error, "message", None) or str(error)
    return str(message).strip().splitlines()[0].partition("; reason: ")[0]


def _storage_client(client: Client) -> Any:
    """A client of the Storage API, which is several times faster; None without the library, and for an emulator."""
    import os

    if os.environ.get(EMULATOR_VARIABLE) or not _has_storage_api():
        return None
    from google.cloud.bigquery_storage import BigQueryReadClient  # type: ignore[import-not-found, unused-ignore]

    return BigQueryReadClient(credentials=client._credentials)


def _has_storage_api() -> bool:
    try:
        return find_spec(STORAGE_API) is not None
    except ModuleNotFoundError:
        return False


def _properties(fields: Sequence[SchemaField] | Any) -> dict[str, Property]:
    """The properties of a table whose model is not known here."""
    return {field.name: _property(field) for field in fields}


def _property(field: SchemaField) -> Property:
    if field.mode == "REPEATED":
        item = _whole(field)
        return Property(type=LogicalType.ARRAY, items=item)
    return _whole(field).model_copy(update={"required": field.mode == "REQUIRED"})


def _whole(field: SchemaField) -> Property:
    kind = _TYPES.get(field.field_type)
    if kind is None:
        raise NotReadable(
            f"column {field.name} is {field.field_type}, which no type of a model is",
            hint="name the columns to read: read(columns=[…])",
        )
    if kind is LogicalType.OBJECT:
        return Property(type=kind, properties=_properties(field.fields))
    if field.field_type in _SCALES:
        if field.precision:
            return Property(type=kind, precision=int(field.precision), scale=int(field.scale or 0))
        return Property(type=kind, precision=_MOST_DIGITS, scale=_SCALES[field.field_type])
    return Property(type=kind)
