"""The data API on an emulated Cloud Run, over tables of an emulated BigQuery.

The tables hold what the tests of the local data API read, so that both answer the same questions.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
from gql.transport.httpx import HTTPXTransport

from alchemesh_platform.clouds.gcp.data_api.configuration import (
    READY_PATH,
    VARIABLE,
    BigQueryTable,
    InstanceConfiguration,
)
from alchemesh_platform.clouds.gcp.data_api.identity import caller_of
from alchemesh_platform.clouds.gcp.emulation.api.bigquery import BigQueryRest
from alchemesh_platform.clouds.gcp.emulation.identity_tokens import identity_token
from alchemesh_platform.clouds.gcp.emulation.servers.cloud_run import (
    INVOKER,
    INVOKER_ROLE,
    RUN_SERVICE,
    SERVICES,
    log_of,
)
from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
from alchemesh_platform.clouds.gcp.emulation.services.cloudrun import SERVICE_PATH, service_url
from alchemesh_platform.clouds.gcp.emulation.store import Kept, Store
from alchemesh_platform.clouds.gcp.emulation.world import RUN, World
from tests.systems.local.http.matrix import CASES, Case
from tests.systems.local.http.serving import CONSUMER, exchanged
from tests.systems.local.serving.matrix import KINDS, Kind

PROJECT, DATASET = "acme-mesh", "served"
INVOKERS = (CONSUMER, "ada")
Fields = dict[str, tuple[str, dict[str, Any]]]


def email_of(consumer: str) -> str:
    """Email of a consumer of the tests."""
    return f"{consumer.replace('_', '-')}@acme.example"


@dataclass
class CloudServing:
    """A deployed service, with the clients of :class:`tests.systems.local.http.serving.Serving`."""

    url: str
    store: Store
    id: str
    bigquery: BigQueryRest
    log_file: Path

    def headers(self, consumer: str | None = CONSUMER) -> dict[str, str]:
        """The header of a consumer."""
        if consumer is None:
            return {}
        return {"Authorization": f"Bearer {identity_token(self.store.path.parent, email_of(consumer), self.url)}"}

    def client(self, consumer: str | None = CONSUMER, **more: Any) -> httpx.Client:
        """A client with the identity token of a consumer."""
        return httpx.Client(base_url=self.url, headers=self.headers(consumer), timeout=120, **more)

    def graphql(self, consumer: str = CONSUMER) -> HTTPXTransport:
        """What the client library `gql` sends its requests by."""
        return HTTPXTransport(url=f"{self.url}/api/graphql", headers=self.headers(consumer), timeout=120)

    def role(self, consumer: str = CONSUMER) -> str:
        """The role of PostgreSQL that a consumer's statements have."""
        return caller_of([(b"authorization", self.headers(consumer)["Authorization"].encode())]).role

    def whole(self) -> tuple[object, ...]:
        """What no request may change."""
        counts = ("SELECT count(*) FROM served.item", "SELECT count(*) FROM served.secret")
        return tuple(json.dumps(self.bigquery.query(PROJECT, count)) for count in counts)

    def said(self, request: str, headers: str, body: str = "", *, consumer: str = CONSUMER) -> bytes:
        """The complete answer to the bytes of a request; nothing if the server closes the connection."""
        address = httpx.URL(self.url)
        token = self.headers(consumer)["Authorization"]
        named = f"Host: {address.netloc.decode()}\r\nAuthorization: {token}"
        with socket.create_connection((address.host, address.port or 80)) as connection:
            return exchanged(connection, f"{request}\r\n{named}\r\n{headers}\r\n\r\n{body}")

    def log(self) -> str:
        """The log of its instance."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def run(self, sql: str) -> None:
        """Run a statement in BigQuery."""
        self.bigquery.query(PROJECT, sql)


# The columns of the local tests, as BigQuery has them: every integer has 64 bits, a decimal of more than 9 digits after
# the point is a BIGNUMERIC, an array holds no null and is never null itself, and an object has declared parts.
EVERY: Fields = {
    "id": ("INTEGER", {"mode": "REQUIRED"}),
    "text": ("STRING", {}),
    "integer": ("INTEGER", {}),
    "small": ("INTEGER", {}),
    "number": ("FLOAT", {}),
    "amount": ("BIGNUMERIC", {"precision": 38, "scale": 10}),
    "price": ("NUMERIC", {"precision": 10, "scale": 2}),
    "flag": ("BOOLEAN", {}),
    "day": ("DATE", {}),
    "clock": ("TIME", {}),
    "moment": ("TIMESTAMP", {}),
    "local": ("DATETIME", {}),
    "bytes": ("BYTES", {}),
    "object": ("RECORD", {"fields": {"a": ("STRING", {}), "b": ("NUMERIC", {"precision": 5, "scale": 2})}}),
    "words": ("STRING", {"mode": "REPEATED"}),
    "numbers": ("INTEGER", {"mode": "REPEATED"}),
    "moments": ("TIMESTAMP", {"mode": "REPEATED"}),
    "parts": ("RECORD", {"mode": "REPEATED", "fields": {"a": ("INTEGER", {})}}),
    "region": ("STRING", {}),
    "year": ("INTEGER", {}),
    "shipped": ("DATE", {}),
}
ITEM: Fields = {
    "id": ("INTEGER", {"mode": "REQUIRED"}),
    "name": ("STRING", {}),
    "size": ("INTEGER", {}),
    "seen": ("TIMESTAMP", {}),
}
TABLES: dict[str, Fields] = {
    "every": EVERY,
    "item": ITEM,
    "loose": {"color": ("STRING", {}), "size": ("INTEGER", {})},
    "measured": {"id": ("INTEGER", {"mode": "REQUIRED"}), "value": ("FLOAT", {})},
    "changing": {"id": ("INTEGER", {"mode": "REQUIRED"})},
    "leaving": {"id": ("INTEGER", {"mode": "REQUIRED"})},
}
AMOUNT = "12345678901234567890.0123456789"  # the emulator's BIGNUMERIC has 20 digits before the point, BigQuery's 38
OBJECTS = ('{"a": "x", "b": 1.10}', '{"a": null, "b": null}')
ROWS = (
    """INSERT INTO served.every VALUES
    (1, 'na\\u00efve \\u2603 \\U0001F600 "q" \\\\ ,;\\n', 9007199254740993, 7, 0.1,
     BIGNUMERIC '12345678901234567890.0123456789', NUMERIC '19.90', true, '2024-03-31', '13:45:00.5',
     TIMESTAMP '2024-03-31 02:30:00.25+00', DATETIME '2024-03-31 02:30:00', b'\\x00\\xff\\x10',
     STRUCT('x', NUMERIC '1.10'), ['a', 'c,d'], [9007199254740993], [TIMESTAMP '2024-03-31 02:30:00+00'], [STRUCT(1)],
     'north', 2024, '2024-01-01')""",
    "INSERT INTO served.every (id) VALUES (2)",
    """INSERT INTO served.every VALUES
    (3, '', 9223372036854775807, -2147483648, 1e300, BIGNUMERIC '-0.0000000001', NUMERIC '-0.01', false, '0001-01-01',
     '00:00:00', TIMESTAMP '0001-01-01 00:00:00+00', DATETIME '9999-12-31 23:59:59.999999', b'',
     STRUCT(CAST(NULL AS STRING), CAST(NULL AS NUMERIC)), [], [], [], [], "it's", -1, '9999-12-31')""",
    """INSERT INTO served.item SELECT n, CONCAT('item ', CAST(n AS STRING)), IF(MOD(n, 7) = 0, NULL, MOD(n, 5)),
    TIMESTAMP_ADD(TIMESTAMP '2024-01-01 00:00:00+00', INTERVAL n MINUTE) FROM UNNEST(GENERATE_ARRAY(1, 2500)) AS n""",
    "INSERT INTO served.item VALUES (5, 'item 5', 0, NULL), (5, 'item 5', 0, NULL), (5, NULL, 0, NULL)",
    """INSERT INTO served.loose SELECT CASE MOD(n, 3) WHEN 0 THEN 'red' WHEN 1 THEN 'blue' END, MOD(n, 4)
    FROM UNNEST(GENERATE_ARRAY(1, 50)) AS n""",
    "INSERT INTO served.changing VALUES (1), (2), (3)",
    "INSERT INTO served.leaving VALUES (1)",
    """INSERT INTO served.measured VALUES (1, CAST('NaN' AS FLOAT64)), (2, CAST('-inf' AS FLOAT64)), (3, 2.5)""",
)


def on_cloud_run(case: Case) -> Case:
    """The expected values of a column, where BigQuery cannot store those of the local tests."""
    arrays = {
        "words": ('["a","c,d"]', ["a", "c,d"]),
        "numbers": ("[9007199254740993]", [9007199254740993]),
        "moments": ('["2024-03-31T02:30:00Z"]', case.arrow[0][:1] if case.column == "moments" else None),
        "parts": ('[{"a": 1}]', '[{"a": 1}]'),
    }
    if case.column == "amount":
        texts = (f'"{AMOUNT}"', case.as_text[1] if case.as_text else "")
        shown = (AMOUNT, case.json[1])
        return replace(
            case, json=shown, csv=shown, arrow=(Decimal(AMOUNT), case.arrow[1]), graphql=texts, as_text=texts
        )
    if case.column == "object":
        return replace(case, json=OBJECTS, csv=OBJECTS, arrow=OBJECTS)
    if case.column in arrays:
        text, value = arrays[case.column]
        empty = "[]" if case.column == "parts" else []
        return replace(case, json=(text, "[]"), csv=(text, "[]"), arrow=(value, empty), null="[]")
    return case


CASES_ON_CLOUD_RUN = {case.column: on_cloud_run(case) for case in CASES}


def _schema(fields: Mapping[str, tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "type": kind,
            **{option: str(value) if isinstance(value, int) else value for option, value in more.items()},
            **({"fields": _schema(more["fields"])} if "fields" in more else {}),
        }
        for name, (kind, more) in fields.items()
    ]


def _arrow_field(name: str, kind: pa.DataType, mode: str = "NULLABLE") -> tuple[str, dict[str, Any]] | None:
    """A column of BigQuery for a type of Arrow; None where the platform makes none."""
    if pa.types.is_list(kind):
        item = _arrow_field(name, kind.value_type, "REPEATED")
        return None if item is None or pa.types.is_list(kind.value_type) else item
    if pa.types.is_struct(kind):
        parts = {kind.field(at).name: _arrow_field("", kind.field(at).type) for at in range(kind.num_fields)}
        return "RECORD", {"mode": mode, "fields": parts}
    if pa.types.is_decimal(kind):
        numeric = kind.scale <= 9 and kind.precision - kind.scale <= 29
        return "NUMERIC" if numeric else "BIGNUMERIC", {
            "mode": mode,
            "precision": kind.precision,
            "scale": kind.scale,
        }
    names = {
        pa.string(): "STRING",
        pa.int64(): "INTEGER",
        pa.float64(): "FLOAT",
        pa.bool_(): "BOOLEAN",
        pa.date32(): "DATE",
        pa.timestamp("us", "UTC"): "TIMESTAMP",
        pa.timestamp("us"): "DATETIME",
        pa.binary(): "BYTES",
    }
    return (names[kind], {"mode": mode}) if kind in names else None


def in_bigquery(kind: Kind) -> Kind:
    """A column of the type matrix, without the nulls that an array of BigQuery cannot hold."""
    if not isinstance(kind.values[0], list):
        return kind
    values = [[item for item in value if item is not None] for value in kind.values]
    return replace(kind, values=values, null=[])


BIGQUERY_KINDS = tuple(in_bigquery(kind) for kind in KINDS if _arrow_field(kind.name, kind.arrow) is not None)
# https://cloud.google.com/bigquery/docs/partitioned-tables: columns of time, and whole numbers in ranges
BIGQUERY_PARTITIONS = ("whole", "day", "moment", "local_moment")


def matrix_fields(*names: str) -> Fields:
    """The columns of the type matrix in BigQuery."""
    found: Fields = {"id": ("INTEGER", {"mode": "REQUIRED"})}
    for kind in BIGQUERY_KINDS:
        if names and kind.name not in names:
            continue
        column = _arrow_field(kind.name, kind.arrow)
        assert column is not None
        found[kind.name] = column
    return found


def bigquery_types() -> dict[str, str]:
    """The type of each column of the table `every`, as BigQuery's SQL writes it."""
    return {name: sql_type(*column) for name, column in EVERY.items()}


def sql_type(kind: str, more: Mapping[str, Any]) -> str:
    """A type of a column as BigQuery's SQL writes it."""
    digits = f"({more['precision']}, {more['scale']})" if "precision" in more else ""
    parts = ", ".join(f"{name} {sql_type(*part)}" for name, part in more.get("fields", {}).items())
    name = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": f"STRUCT<{parts}>"}.get(kind, kind)
    return f"ARRAY<{name}{digits}>" if more.get("mode") == "REPEATED" else f"{name}{digits}"


def bigquery_type(kind: Kind) -> str | None:
    """The type of BigQuery for a column of the type matrix; None where the platform makes none."""
    if kind.model == "time":  # a text in a Delta table, which has no such type
        return "TIME"
    column = _arrow_field(kind.name, kind.arrow)
    return None if column is None else sql_type(*column)


def _expression(kind: pa.DataType, value: Any) -> str:
    """A value of the matrix as an expression of BigQuery."""
    if isinstance(value, list):
        return "[" + ", ".join(_expression(kind.value_type, item) for item in value) + "]"
    if isinstance(value, dict):
        fields = [kind.field(at) for at in range(kind.num_fields)]
        parts = (f"{_typed(field.type, value.get(field.name))} AS {field.name}" for field in fields)
        return f"STRUCT({', '.join(parts)})"
    return _typed(kind, value)


def _typed(kind: pa.DataType, value: Any) -> str:
    described = _arrow_field("", kind)
    assert described is not None
    sql = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}.get(described[0], described[0])
    if value is None:
        return f"CAST(NULL AS {sql})"
    if isinstance(value, bytes):
        return "b'" + "".join(f"\\x{byte:02x}" for byte in value) + "'"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool | int | float):
        return repr(value).lower() if isinstance(value, bool) else f"CAST('{value!r}' AS {sql})"
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    return f"CAST('{text}' AS {sql})"


def _fill(bigquery: BigQueryRest, table: str, kinds: Sequence[Kind]) -> None:
    """Two rows with the values of the matrix, and one of nulls."""
    names = ", ".join(["id", *(kind.name for kind in kinds)])
    for at in (0, 1):
        values = ", ".join([str(at + 1), *(_expression(kind.arrow, kind.values[at]) for kind in kinds)])
        bigquery.query(PROJECT, f"INSERT INTO {DATASET}.{table} ({names}) VALUES ({values})")
    bigquery.query(PROJECT, f"INSERT INTO {DATASET}.{table} (id) VALUES (3)")


def _make_tables(bigquery: BigQueryRest) -> dict[str, Fields]:
    """The tables of the tests, with their rows."""
    bigquery.remove_dataset(PROJECT, DATASET, with_tables=True)
    bigquery.make_dataset(PROJECT, {"datasetReference": {"projectId": PROJECT, "datasetId": DATASET}})
    partitioned = {f"by_{name}": matrix_fields(name) for name in BIGQUERY_PARTITIONS}
    tables = {**TABLES, "matrix": matrix_fields(), **partitioned}
    for name, fields in tables.items():
        body: dict[str, Any] = {
            "tableReference": {"projectId": PROJECT, "datasetId": DATASET, "tableId": name},
            "schema": {"fields": _schema(fields)},
        }
        if name == "by_whole":
            span = {"start": "0", "end": "1000", "interval": "10"}
            body["rangePartitioning"] = {"field": "whole", "range": span}
        elif name.startswith("by_"):
            body["timePartitioning"] = {"type": "DAY", "field": name.removeprefix("by_")}
        bigquery.make_table(PROJECT, DATASET, body)
    secret = {"tableReference": {"projectId": PROJECT, "datasetId": DATASET, "tableId": "secret"}}
    bigquery.make_table(PROJECT, DATASET, {**secret, "schema": {"fields": _schema({"id": ("INTEGER", {})})}})
    for statement in (*ROWS, "INSERT INTO served.secret VALUES (4711)"):
        bigquery.query(PROJECT, statement)
    _fill(bigquery, "matrix", BIGQUERY_KINDS)
    for name in BIGQUERY_PARTITIONS:
        _fill(bigquery, f"by_{name}", [kind for kind in BIGQUERY_KINDS if kind.name == name])
    return tables


@contextmanager
def served(folder: Path, emulators: Emulators) -> Iterator[CloudServing]:
    """A service over the tables of the tests, with the right to invoke it for some consumers."""
    world = World(Store(folder), emulators.address_of)
    tables = {**_make_tables(world.bigquery()), "absent": {"id": ("INTEGER", {})}}
    configuration = InstanceConfiguration(
        title="shop/orders/sales",
        version="1.2.0",
        tables=tuple(
            BigQueryTable(
                name=name,
                table=f"{PROJECT}.{DATASET}.{name}",
                columns=tuple(fields),
                key=("id",) if "id" in fields else (),
                description="A row of every type." if name == "every" else "",
            )
            for name, fields in tables.items()
        ),
        refresh_seconds=0.5,
        memory_megabytes=1024,
    )
    values = {
        **{"name": "sales", "project": PROJECT, "location": "europe-west1"},
        "template": {
            "containers": [
                {
                    "image": "data-api",
                    "envs": [{"name": VARIABLE, "value": configuration.model_dump_json()}],
                    "startupProbe": {"httpGet": {"path": READY_PATH}},
                }
            ]
        },
    }
    identity = SERVICE_PATH.format_map(values)
    world.store.put(Kept(RUN_SERVICE, identity, "urn", values, {}))
    for consumer in INVOKERS:
        allow(world.store, identity, consumer)
    url = service_url(values, world)
    log_file = log_of(emulators.folder / RUN, str(folder.resolve()), identity)
    service = CloudServing(url, world.store, identity, world.bigquery(), log_file)
    try:
        yield service
    finally:
        world.run().call("DELETE", SERVICES, {"store": str(folder.resolve()), "id": identity})


def binding(identity: str, consumer: str) -> str:
    """The id of the right to invoke."""
    return f"{identity}/{INVOKER_ROLE}/user:{email_of(consumer)}"


def allow(store: Store, identity: str, consumer: str, condition: dict[str, str] | None = None) -> None:
    """Give a consumer the right to invoke."""
    inputs: dict[str, Any] = {"role": INVOKER_ROLE, "member": f"user:{email_of(consumer)}"}
    if condition is not None:
        inputs["condition"] = condition
    store.put(Kept(INVOKER, binding(identity, consumer), "urn", inputs, {}))
