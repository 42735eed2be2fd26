"""The type matrix, from a Delta table through the serving copy to clients of REST and GraphQL."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from alchemesh_platform.systems.local.data_api.serving.loading.load import CopiedTable, Copy
from alchemesh_platform.systems.local.data_api.serving.place import DATABASE, HTTP, PORT, Place
from tests.systems.local.http.serving import Serving, running
from tests.systems.local.serving.conftest import BYTES_MAX, CONSUMER
from tests.systems.local.serving.matrix import KINDS, PARTITIONS, Kind, table, write_matrix
from tests.waiting import until

pytestmark = pytest.mark.slow

PLAIN = tuple(kind.name for kind in KINDS if kind.sql != "jsonb" and not kind.sql.endswith("[]"))
ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"


class Exact(str):
    """A number of JSON with its digits."""

    __slots__ = ()


def digits(text: str) -> Any:
    return json.loads(text, parse_float=Exact, parse_int=Exact)


def as_json(kind: Kind, at: int, *, decimals_as_text: bool) -> Any:
    """The value of a row as JSON, with the digits of its numbers."""
    if kind.sql == "jsonb":
        return digits(kind.shown[at])
    return written(kind.values[at], decimals_as_text)


def written(value: Any, decimals_as_text: bool) -> Any:
    if isinstance(value, list):
        return [written(item, decimals_as_text) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, Decimal):
        return format(value, "f") if decimals_as_text else Exact(format(value, "f"))
    if isinstance(value, int | float):
        return Exact(repr(value))
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


@pytest.fixture(scope="module")
def serving(cluster: Any, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The server over copies of the matrix, of its plain columns, and of a table for each kind of partition."""
    place: Place = cluster.place
    write_matrix(folder / "matrix")
    write_deltalake(folder / "plain", table(*PLAIN))
    for name in PARTITIONS:
        write_matrix(folder / f"by_{name}", name)
    names = ["matrix", "plain", *(f"by_{name}" for name in PARTITIONS)]
    for name in names:
        copy = Copy(place, CopiedTable(name, folder / name, "delta", ("id",)), BYTES_MAX)
        copy.load(copy.snapshot())
    dsn = f"postgresql://{HTTP}@/{DATABASE}?host={place.consumers_socket}&port={PORT}"
    tables = [{"name": name, "key": ["id"], "delta": str(folder / name)} for name in names]
    with running(tmp_path_factory.mktemp("http"), dsn, place.admin_dsn(), tables=tables) as found:
        with found.client(CONSUMER) as client:
            until(lambda: client.get("/api/tables/matrix").status_code == 200, "the columns are known")
        yield found


@pytest.fixture
def client(serving: Serving) -> Iterator[httpx.Client]:
    with serving.client(CONSUMER) as client:
        yield client


@pytest.fixture
def kinds() -> list[Kind]:
    """The columns of the table `matrix`."""
    return list(KINDS)


def check_rows(rows: list[dict[str, Any]], kinds: list[Kind], *, decimals_as_text: bool) -> None:
    rows = sorted(rows, key=lambda row: int(row["id"]))
    assert [list(row) for row in rows] == [["id", *(kind.name for kind in kinds)]] * 3
    for kind in kinds:
        found = [row[kind.name] for row in rows]
        expected = [as_json(kind, at, decimals_as_text=decimals_as_text) for at in (0, 1)]
        assert found == [*expected, kind.null], kind.name
        assert list(map(type, found)) == list(map(type, [*expected, kind.null])), kind.name


@pytest.mark.parametrize("asked", ["", "?limit=3"], ids=["stream", "page"])
@pytest.mark.parametrize("decimals", ["number", "text"])
def test_rest_has_every_type_of_a_table(client: httpx.Client, kinds: list[Kind], asked: str, decimals: str) -> None:
    answer = client.get(f"/api/tables/matrix{asked}{'&' if asked else '?'}decimals={decimals}")
    check_rows(digits(answer.text), kinds, decimals_as_text=decimals == "text")


def test_graphql_has_every_type_of_a_table(client: httpx.Client, kinds: list[Kind]) -> None:
    fields = " ".join(["id", *(kind.name for kind in kinds)])
    answer = client.post("/api/graphql", json={"query": f"{{ matrix(limit: 3) {{ {fields} }} }}"})
    found = digits(answer.text)
    assert "errors" not in found
    check_rows(found["data"]["matrix"], kinds, decimals_as_text=True)


@pytest.mark.parametrize("name", PARTITIONS)
def test_a_partition_column_of_each_type_is_right_with_null(client: httpx.Client, kinds: list[Kind], name: str) -> None:
    """A partition by text made REST and GraphQL answer 502, and null was the empty text."""
    check_partition(client, [kind for kind in kinds if kind.name == name])


def check_partition(client: httpx.Client, kinds: list[Kind]) -> None:
    """A table that is partitioned by its only column besides the id."""
    (name,) = (kind.name for kind in kinds)
    rest = client.get(f"/api/tables/by_{name}?columns=id,{name}")
    check_rows(digits(rest.text), kinds, decimals_as_text=False)
    graphql = client.post("/api/graphql", json={"query": f"{{ by_{name} {{ id {name} }} }}"})
    check_rows(digits(graphql.text)["data"][f"by_{name}"], kinds, decimals_as_text=True)
    assert client.get(f"/api/tables/by_{name}?columns=id&filter[{name}]null=true").json() == [{"id": 3}]


@pytest.mark.parametrize("accept", [ARROW, PARQUET])
def test_arrow_and_parquet_are_the_same_from_the_files_and_from_postgresql(client: httpx.Client, accept: str) -> None:
    def read(asked: str) -> pa.Table:
        content = client.get(f"/api/tables/plain{asked}", headers={"Accept": accept}).content
        found = pa.ipc.open_stream(content).read_all() if accept == ARROW else pq.read_table(io.BytesIO(content))
        return found.sort_by("id")

    files, postgresql = read(""), read("?limit=10")
    assert files.schema == postgresql.schema
    assert files.to_pylist() == postgresql.to_pylist()
    wanted = table(*PLAIN).to_pylist()
    assert files.to_pylist() == wanted
    assert read("?columns=price,id").column_names == ["price", "id"]


def test_bulk_reading_has_the_rows_of_the_copy_and_not_those_that_are_not_loaded_yet(
    serving: Serving, client: httpx.Client, folder: Path
) -> None:
    """The files may be a commit ahead of the copy, and may be removed."""

    def read() -> list[int]:
        answer = client.get("/api/tables/by_small?columns=id", headers={"Accept": ARROW})
        assert answer.status_code == 200, answer.text
        return sorted(pa.ipc.open_stream(answer.content).read_all()["id"].to_pylist())

    assert read() == [1, 2, 3]
    write_deltalake(folder / "by_small", table("small"), mode="append")
    assert read() == [1, 2, 3]
    shutil.rmtree(folder / "by_small")
    assert read() == [1, 2, 3]
    with serving.client("nobody_at_all") as stranger:
        assert stranger.get("/api/tables/plain", headers={"Accept": ARROW}).status_code == 403
