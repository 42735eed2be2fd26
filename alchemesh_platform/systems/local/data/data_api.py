"""Rows of another product's port, read through its data API: as Arrow over HTTP, or else over SQL."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any

import pyarrow as pa

from alchemesh_platform.base.remedy import PLACEHOLDER, command, remedy
from alchemesh_platform.base.sql import identifier
from alchemesh_platform.data.backend import Backend, Source
from alchemesh_platform.data.conditions import mask
from alchemesh_platform.data.errors import NotReadable
from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.types import arrow_schema, arrow_type, plain_schema
from alchemesh_platform.data.values.convert import TypeUnfit, converted
from alchemesh_platform.data.values.python_values import ValueUnfit, value_of
from alchemesh_platform.manifest.models import LogicalType, Property

ARROW = "application/vnd.apache.arrow.stream"
TIMEOUT_SECONDS = 60.0
_ROWS = 8_192
_NESTED = (LogicalType.OBJECT, LogicalType.ARRAY)


class DataApiData(Backend):
    """Data APIs. Each use of the rows reads them again."""

    name = "a data API"

    def read(self, source: Source) -> Rows:
        api = source.connection
        wanted = None
        if source.columns is not None:
            wanted = tuple(dict.fromkeys((*source.columns, *(each.column for each in source.where))))
        elif source.properties is not None:
            wanted = tuple(source.properties)
        opened = _Http(source, wanted) if api.rest is not None else _Sql(source, wanted)
        schema = source.schema if source.schema is not None else opened.schema()

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in opened.batches():
                typed = batch if source.properties is None else of_model(batch, source.properties)
                yield typed.filter(mask(typed, source.where)) if source.where else typed

        return Rows(schema, batches)


DATA = DataApiData()


def of_model(batch: pa.RecordBatch, properties: Mapping[str, Property]) -> pa.RecordBatch:
    """A batch with the types of a model. A data API gives objects, and arrays of them, as JSON.

    Raises:
        NotReadable: when a value does not fit.
    """
    columns = []
    for name in batch.schema.names:
        declared, column = properties[name], batch.column(name)
        try:
            if declared.type in _NESTED and pa.types.is_string(column.type):
                columns.append(_of_json(column, declared, name))
                continue
            found = converted(column, declared, name)
        except (TypeUnfit, ValueUnfit) as error:
            raise NotReadable(f"column {name} does not fit the model of the port: {error}") from error
        if found.unfit:
            raise NotReadable(f"column {name} does not fit the model of the port: {found.unfit[0].rows[0][1]}")
        columns.append(found.array)
    return pa.RecordBatch.from_arrays(
        columns, schema=arrow_schema({name: properties[name] for name in batch.schema.names})
    )


def _of_json(column: Any, declared: Property, name: str) -> Any:
    values = [
        None if text is None else _parsed(json.loads(text, parse_float=Decimal), declared)
        for text in column.to_pylist()
    ]
    return pa.array([value_of(value, declared, name) for value in values], arrow_type(declared))


def _parsed(value: Any, declared: Property) -> Any:
    """A value of JSON as Python has it: JSON has texts for dates and moments."""
    if value is None:
        return None
    if isinstance(value, dict):
        parts = declared.properties or {}
        return {name: _parsed(each, parts[name]) if name in parts else each for name, each in value.items()}
    if isinstance(value, list):
        return [_parsed(each, declared.items) if declared.items is not None else each for each in value]
    if isinstance(value, str):
        return _of_text(value, declared)
    return value


def _of_text(text: str, declared: Property) -> Any:
    try:
        if declared.type is LogicalType.DATE:
            return date.fromisoformat(text)
        if declared.type is LogicalType.TIMESTAMP:
            return datetime.fromisoformat(text)
        if declared.type is LogicalType.NUMBER:  # NaN and infinity, which are no numbers of JSON
            return float(text) if declared.precision is None else Decimal(text)
    except (ValueError, InvalidOperation):
        return text  # it does not fit, and the check says so
    return text


class _Http:
    """The rows as an Arrow stream over HTTP."""

    def __init__(self, source: Source, columns: Sequence[str] | None) -> None:
        self.source = source
        self.api = source.connection
        self.columns = columns

    def schema(self) -> pa.Schema:
        """The schema of the stream."""
        with self._answer() as answer:
            schema = plain_schema(pa.ipc.open_stream(answer).schema)
        names = self.source.columns or schema.names
        return pa.schema([schema.field(name) for name in names])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The batches of the stream."""
        with self._answer() as answer:
            try:
                yield from pa.ipc.open_stream(answer)
            except (pa.ArrowException, OSError) as error:
                raise self._silent(error) from error

    def _answer(self) -> Any:
        query = "" if self.columns is None else "?" + urllib.parse.urlencode({"columns": ",".join(self.columns)})
        address = f"{self.api.rest.rstrip('/')}/tables/{urllib.parse.quote(self.source.model or '')}{query}"
        headers = {"Accept": ARROW, **self.api.headers()}
        try:
            return urllib.request.urlopen(  # noqa: S310 - the address of the port
                urllib.request.Request(address, headers=headers),  # noqa: S310
                timeout=TIMEOUT_SECONDS,
            )
        except urllib.error.HTTPError as error:
            raise self._refused(error) from error
        except (OSError, TimeoutError) as error:
            raise self._silent(error) from error

    def _silent(self, error: Exception) -> NotReadable:
        return NotReadable(
            f"input port {self.source.port!r}: {self.api.rest} does not answer: {error}",
            hint=remedy("the team of the product that is read sees its health with {}", command("status")),
        )

    def _refused(self, error: urllib.error.HTTPError) -> NotReadable:
        text = error.read().decode(errors="replace").strip()
        try:
            problem = json.loads(text)
            text = str(problem.get("detail") or problem.get("title") or text)
        except (ValueError, AttributeError):
            pass
        place = f"input port {self.source.port!r}: {self.api.rest} refused to give {self.source.model!r}"
        if error.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return NotReadable(
                f"{place}: no grant gives this product access",
                hint=remedy(
                    "{} asks for it, and {} renews the credential",
                    command("access", "request", PLACEHOLDER),
                    command("up", about_product=True),
                ),
            )
        return NotReadable(f"{place}: {text}")


class _Sql:
    """The rows over SQL, by a cursor in a transaction."""

    def __init__(self, source: Source, columns: Sequence[str] | None) -> None:
        self.source = source
        self.api = source.connection
        self.columns = columns
        if not str(self.api.sql or "").startswith("postgresql://"):
            raise NotReadable(
                f"input port {source.port!r}: its data API offers neither REST nor SQL of PostgreSQL",
                hint="use the connection itself with the client of its technology",
            )
        if source.properties is None:
            raise NotReadable(
                f"input port {source.port!r}: its models are not known here: an earlier version deployed the product",
                hint=remedy("{}, then run the code again", command("up", about_product=True)),
            )

    def schema(self) -> pa.Schema:
        """The schema of the model, which is known."""
        raise NotImplementedError

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows in batches."""
        import psycopg
        from psycopg.types.json import set_json_loads

        source = self.source
        properties = source.properties or {}
        names = self.columns or tuple(properties)
        listed = ", ".join(identifier(name) for name in names)
        statement = f"SELECT {listed} FROM {identifier(source.model or '')}"  # noqa: S608 - quoted names
        try:
            with psycopg.connect(self.api.dsn(), connect_timeout=int(TIMEOUT_SECONDS)) as connection:
                set_json_loads(lambda text: json.loads(text, parse_float=Decimal), connection)
                with connection.cursor(name="alchemesh_rows") as cursor:
                    cursor.itersize = _ROWS
                    cursor.execute(statement.encode())
                    while rows := cursor.fetchmany(_ROWS):
                        yield self._batch(rows, names, properties)
        except psycopg.Error as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise NotReadable(
                f"input port {source.port!r}: {self.api.sql} cannot be read: {reason}",
                hint=remedy("the team of the product that is read sees its health with {}", command("status")),
            ) from error

    def _batch(
        self, rows: Sequence[Sequence[Any]], names: Sequence[str], properties: Mapping[str, Property]
    ) -> pa.RecordBatch:
        arrays = []
        for name, values in zip(names, zip(*rows, strict=True), strict=True):
            declared = properties[name]
            try:
                arrays.append(pa.array(_values(values, declared, name), arrow_type(declared)))
            except ValueUnfit as error:
                raise NotReadable(
                    f"input port {self.source.port!r}: column {name} does not fit the model of the port: {error}"
                ) from error
        return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema({name: properties[name] for name in names}))


def _values(values: Iterable[Any], declared: Property, name: str) -> list[Any]:
    return [value_of(_parsed(value, declared), declared, name) for value in values]
