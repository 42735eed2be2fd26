"""The server on Cloud Run reads its configuration, starts before the first export, and serves exports of BigQuery."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from alchemesh_components.output_ports.cloud_run_data_api.roapi_config import ARROW_TYPES, roapi_config
from alchemesh_platform.machine.ports import free_port
from alchemesh_platform.manifest.models import LogicalType, SemanticModel
from alchemesh_platform.systems.local.data_api.programs import program
from tests.waiting import until

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
MODEL = SemanticModel.model_validate(
    {
        "properties": {
            **{
                each: {"type": each} for each in ("string", "integer", "number", "boolean", "date", "time", "timestamp")
            },
            "object": {"type": "object", "properties": {"airport": {"type": "string"}}},
            "array": {"type": "array", "items": {"type": "string"}},
        }
    }
)
# The export of a row by BigQuery: https://cloud.google.com/bigquery/docs/exporting-data#parquet_export_details
COLUMNS = {
    "string": pa.array(["a", None]),
    "integer": pa.array([1, None], pa.int64()),
    "number": pa.array([1.5, None], pa.float64()),
    "boolean": pa.array([True, None]),
    "date": pa.array([MOMENT.date(), None]),
    "time": pa.array([MOMENT.time(), None], pa.time64("us")),
    "object": pa.array(['{"airport":"JFK"}', None]),
    "array": pa.array(['["JFK"]', "[]"]),
}
ANSWERED = {
    "string": "a",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "date": "2026-01-02",
    "time": "03:04:05.678901",
    "timestamp": "2026-01-02T03:04:05.678901Z",
    "object": '{"airport":"JFK"}',
    "array": '["JFK"]',
}


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The server as the container starts it, with a folder instead of the mounted bucket; returns its address."""
    folder.mkdir()
    configuration = folder / "roapi.yaml"
    configuration.write_text(roapi_config({"flight": MODEL, "airline": MODEL}, str(folder)))
    address = f"127.0.0.1:{free_port('127.0.0.1')}"
    log = (folder.parent / "log").open("w")
    command = [str(program("roapi")), "--config", str(configuration), "--addr-http", address]
    with log, subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as server:
        try:
            until(lambda: server.poll() is not None or healthy(address), "roapi answers, or ends")
            assert server.poll() is None, (folder.parent / "log").read_text()
            yield f"http://{address}"
        finally:
            server.kill()


def healthy(address: str) -> bool:
    """The path of the startup probe."""
    try:
        with urllib.request.urlopen(f"http://{address}/health", timeout=30) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def asked(url: str, query: str | None = None) -> Any:
    request = urllib.request.Request(url, data=query.encode() if query else None)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def export(folder: Path, timestamps: pa.DataType, rows: int = 2) -> None:
    moment = MOMENT if timestamps.tz else MOMENT.replace(tzinfo=None)
    table = pa.table({**COLUMNS, "timestamp": pa.array([moment, None], timestamps)}).select(list(MODEL.properties))
    (folder / "flight").mkdir(exist_ok=True)
    pq.write_table(table.slice(0, rows), folder / "flight" / "000000000000.parquet", store_schema=False)


def test_every_type_of_a_model_has_one_in_arrow() -> None:
    assert set(ARROW_TYPES) == set(LogicalType)


def test_an_api_starts_before_the_first_export_and_answers_every_type_after_it(tmp_path: Path) -> None:
    """A column of time or timestamp once kept the server from starting: roapi could not read the YAML of its types."""
    folder = tmp_path / "data"
    with serving(folder) as api:
        # The folders do not exist either: a bucket has them with their first object.
        assert asked(f"{api}/api/tables/flight") == []
        assert asked(f"{api}/api/graphql", "{ airline(limit: 1) { string timestamp } }") == []
        for timestamps in (pa.timestamp("us", "UTC"), pa.timestamp("us")):
            export(folder, timestamps)
            first, second = asked(f"{api}/api/tables/flight")
            assert first == ANSWERED
            assert second == {"array": "[]"}
            recent = '{ flight(filter: {string: {eq: "a"}}) { timestamp time } }'
            assert asked(f"{api}/api/graphql", recent) == [{name: ANSWERED[name] for name in ("timestamp", "time")}]
        export(folder, pa.timestamp("us", "UTC"), rows=0)
        assert asked(f"{api}/api/tables/flight") == []
        assert asked(f"{api}/api/tables/airline") == []
