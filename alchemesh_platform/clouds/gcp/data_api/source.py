"""Rows of a BigQuery table, for the copy in an instance.

The Storage Read API returns Arrow; without its client, the rows come as pages of JSON. Types come from the schema of
the table, so NUMERIC(10, 2) has two digits after the point, as the model says.

Source: https://cloud.google.com/bigquery/docs/reference/storage
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.systems.local.data_api.serving.loading.source import Snapshot, Source

if TYPE_CHECKING:
    import pyarrow as pa

EMULATOR = "BIGQUERY_EMULATOR_HOST"
STORAGE_EMULATOR = "BIGQUERY_STORAGE_EMULATOR_HOST"  # host:port of gRPC without TLS
# https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types
NUMERIC, BIGNUMERIC = (38, 9), (76, 38)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ColumnGone(Failure):
    """Raised when a table has no column of the model."""


class BigQuerySource(Source):
    """The rows of a BigQuery table. A table that changed is read again as a whole.

    Args:
        table: ``project.dataset.table``.
        columns: The columns to read, in the order of the copy.
        every_seconds: Shortest time between two looks for a change.
        client: The client of BigQuery; by default that of the instance.
    """

    def __init__(self, table: str, columns: Sequence[str], every_seconds: float, client: Any = None) -> None:
        super().__init__(Path())
        self.table = table
        self.columns = tuple(columns)
        self.every_seconds = every_seconds
        self._client = client
        self._look_at = 0.0

    def snapshot(self) -> Snapshot:
        self._look_at = time.monotonic() + self.every_seconds
        table = self._described()
        fields = [field.to_api_repr() for field in self._fields(table)]
        digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]
        waiting = table.streaming_buffer.estimated_rows if table.streaming_buffer else 0
        version = f"{table.etag}:{table.modified}:{table.num_rows}:{table.num_bytes}:{waiting}"
        return Snapshot(f"{self.table}:{table.created}:{digest}", version, table.modified or EPOCH)

    def moved(self, since: Snapshot) -> bool:
        if time.monotonic() < self._look_at:
            return False
        now = self.snapshot()
        return (now.identity, now.version) != (since.identity, since.version)

    def added(self, since: Snapshot, now: Snapshot) -> tuple[str, ...] | None:
        return None  # BigQuery does not name the rows that a commit added

    @contextmanager
    def rows(self, at: Snapshot, added: tuple[str, ...] | None = None) -> Iterator[pa.RecordBatchReader]:
        import pyarrow as pa

        table = self._described()
        fields = self._fields(table)
        schema = pa.schema([_arrow_field(field) for field in fields])
        # The service answers in the order of the table, whatever order is asked for.
        asked = [field for field in table.schema if field.name in self.columns]
        found = self._connected().list_rows(table, selected_fields=asked)
        batches = found.to_arrow_iterable(bqstorage_client=_storage_client(), max_stream_count=1)
        names = [field.name for field in fields]
        yield pa.RecordBatchReader.from_batches(schema, (batch.select(names).cast(schema) for batch in batches))

    def _connected(self) -> Any:
        if self._client is None:
            self._client = _client(self.table.partition(".")[0])
        return self._client

    def _described(self) -> Any:
        return self._connected().get_table(self.table)

    def _fields(self, table: Any) -> list[Any]:
        known = {field.name: field for field in table.schema}
        missing = next((name for name in self.columns if name not in known), None)
        if missing is not None:
            raise ColumnGone(f"table {self.table} has no column {missing!r}, which the model has")
        return [known[name] for name in self.columns]


def _client(project: str) -> Any:
    from google.auth import credentials
    from google.cloud import bigquery

    anonymous: Any = credentials.AnonymousCredentials
    return bigquery.Client(project=project, credentials=anonymous() if EMULATOR in os.environ else None)


def _storage_client() -> Any:
    """The client of the Storage Read API; None where it is not installed, or where no emulator has it."""
    if EMULATOR in os.environ and STORAGE_EMULATOR not in os.environ:
        return None
    try:  # a package of the image, which a machine that only deploys does not need
        storage: Any = importlib.import_module("google.cloud.bigquery_storage_v1")
    except ModuleNotFoundError:
        return None
    if STORAGE_EMULATOR not in os.environ:
        return storage.BigQueryReadClient()
    import grpc

    reading = importlib.import_module("google.cloud.bigquery_storage_v1.services.big_query_read.transports")
    channel = grpc.insecure_channel(os.environ[STORAGE_EMULATOR])
    return storage.BigQueryReadClient(transport=reading.BigQueryReadGrpcTransport(channel=channel))


def _arrow_field(field: Any) -> pa.Field:
    import pyarrow as pa

    kind = _arrow_type(field)
    repeated = field.mode == "REPEATED"
    return pa.field(field.name, pa.list_(kind) if repeated else kind, nullable=field.mode == "NULLABLE")


def _arrow_type(field: Any) -> pa.DataType:
    """The type of a value, or of the items of an array.

    Raises:
        Failure: when the platform makes no such columns.
    """
    import pyarrow as pa

    match field.field_type:
        case "RECORD" | "STRUCT":
            return pa.struct([pa.field(part.name, _arrow_field(part).type) for part in field.fields])
        case "NUMERIC" | "BIGNUMERIC":
            precision, scale = BIGNUMERIC if field.field_type == "BIGNUMERIC" else NUMERIC
            if field.precision is not None:
                precision, scale = int(field.precision), int(field.scale or 0)
            return pa.decimal128(precision, scale) if precision <= NUMERIC[0] else pa.decimal256(precision, scale)
        case other:
            types: dict[str, pa.DataType] = {
                **dict.fromkeys(("STRING", "JSON", "GEOGRAPHY"), pa.string()),
                **dict.fromkeys(("INTEGER", "INT64"), pa.int64()),
                **dict.fromkeys(("FLOAT", "FLOAT64"), pa.float64()),
                **dict.fromkeys(("BOOLEAN", "BOOL"), pa.bool_()),
                "BYTES": pa.binary(),
                "DATE": pa.date32(),
                "TIME": pa.time64("us"),
                "DATETIME": pa.timestamp("us"),
                "TIMESTAMP": pa.timestamp("us", "UTC"),
            }
            if other not in types:
                raise Failure(f"column {field.name} has the type {other}, which the data API does not serve")
            return types[other]
