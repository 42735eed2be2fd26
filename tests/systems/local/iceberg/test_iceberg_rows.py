"""Rows of Iceberg tables: each type, each mode, two writers, killed writers and moved schemas, as for Delta tables."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from alchemesh_platform.connections import (
    CONNECTIONS_VARIABLE,
    NotWritable,
    OutputPort,
    RowsRefused,
    SchemaMoved,
    WriteConflict,
)
from alchemesh_platform.data import running
from alchemesh_platform.systems.local.iceberg.former import remove_former
from tests.data.products import Properties, create_iceberg, iceberg_document, iceberg_place, iceberg_shop
from tests.data.test_round_trips import ROW, rows
from tests.data.test_writers import KEYED, PLAIN
from tests.lanes import examples


def ids(port: OutputPort) -> list[int]:
    return sorted(row["id"] for row in port.read("sale").pylist())


def overtake(folder: Path, *numbers: int) -> None:
    """Add rows as a tool does that takes no turns."""
    table = iceberg_place(folder).open()
    schema = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("name", pa.string())])
    table.append(pa.table({"id": numbers, "name": ["other"] * len(numbers)}, schema=schema))


@settings(
    max_examples=examples(4),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each step of shrinking writes a table
)
@given(rows)
def test_an_iceberg_table_gives_the_same_values(tmp_path: Path, values: list[dict[str, Any]]) -> None:
    port = iceberg_shop(tmp_path, ROW)
    written = [{**row, "text": str(at)} for at, row in enumerate(values)]
    port.write("sale", written, "overwrite")
    assert sorted(port.read("sale").pylist(), key=lambda row: int(row["text"])) == written


PARTITIONS: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "at": (
        {"type": "timestamp"},
        datetime(2024, 5, 1, tzinfo=UTC),
        datetime(2024, 5, 2, 0, 0, 0, 1, tzinfo=UTC),
    ),
    "day": ({"type": "date"}, date(2024, 5, 1), date(2024, 5, 2)),
    "amount": ({"type": "number", "precision": 20, "scale": 2}, Decimal("1.10"), Decimal("123456789012345678.90")),
    "number": ({"type": "number"}, 0.1, 1e300),
    "flag": ({"type": "boolean"}, False, True),
    "text": ({"type": "string"}, "it's a/b=c", 'q"\\%_ü'),
    "empty": ({"type": "string"}, "", "x"),
}


@pytest.mark.parametrize("column", PARTITIONS)
def test_conditions_and_partitions_of_each_type_select_the_same_rows(tmp_path: Path, column: str) -> None:
    declared, low, high = PARTITIONS[column]
    port = iceberg_shop(
        tmp_path, {"id": {"type": "integer"}, column: declared}, *([column] if column != "number" else [])
    )
    port.write("sale", [{"id": 1, column: low}, {"id": 2, column: high}, {"id": 3, column: None}])
    found = {row["id"]: row[column] for row in port.read("sale").pylist()}
    assert found == {1: low, 2: high, 3: None}
    assert [row["id"] for row in port.read("sale", where={column: high}).pylist()] == [2]
    port.write("sale", [{"id": 4, column: high}], "replace_where", where={column: [high]})
    assert ids(port) == [1, 3, 4]
    port.write("sale", [{"id": 5, column: low}], "replace_where", where=[(column, "<", high)])
    assert ids(port) == [3, 4, 5]


def test_each_mode_changes_the_rows_that_it_names_and_compares_keys(tmp_path: Path) -> None:
    port = iceberg_shop(tmp_path, {**KEYED, "day": {"type": "date"}}, "day")
    first, second = date(2024, 5, 1), date(2024, 5, 2)
    port.write("sale", [{"id": 1, "name": "a", "day": first}, {"id": 2, "day": second}])
    with pytest.raises(RowsRefused, match="another row in the table has the same id"):
        port.write("sale", [{"id": 2}])
    with pytest.raises(RowsRefused, match="another row in the written rows has the same id"):
        port.write("sale", [{"id": 7}, {"id": 7}])
    port.write("sale", [{"id": 2, "name": "b"}, {"id": 3}], "merge")
    assert sorted((row["id"], row["name"], row["day"]) for row in port.read("sale").pylist()) == [
        (1, "a", first),
        (2, "b", None),
        (3, None, None),
    ]
    done = port.write("sale", [{"id": 9, "day": second}], "overwrite")
    assert (ids(port), done.rows, done.version) == ([9], 1, 3)
    files = list((tmp_path / "sale" / "data").rglob("*.parquet"))
    seen = [task.file.file_path for task in iceberg_place(tmp_path).open().scan().plan_files()]
    assert (len(seen), len(files)) == (1, 4), "refused writes leave no file"
    relation = duckdb.sql("SELECT 9 AS id, DATE '2024-05-03' AS day")
    port.write("sale", relation, "merge")
    scanned = iceberg_place(tmp_path).open().scan().to_duckdb("sale")
    assert scanned.sql("SELECT id, day::text FROM sale").fetchall() == [(9, "2024-05-03")]


def test_appends_without_a_key_both_land_and_other_writes_are_not_overtaken(tmp_path: Path) -> None:
    def during(number: int) -> Iterator[dict[str, Any]]:
        yield {"id": 1}
        overtake(folder, number)

    folder = tmp_path / "plain"
    port = iceberg_shop(folder, PLAIN)
    assert port.write("sale", during(2)).rows == 1
    assert ids(port) == [1, 2]
    for mode, where in (("overwrite", None), ("replace_where", {"id": 1})):
        with pytest.raises(WriteConflict, match="another writer changed the table of model 'sale' meanwhile"):
            port.write("sale", during(2), mode, where=where)  # type: ignore[arg-type]
    folder = tmp_path / "keyed"
    port = iceberg_shop(folder, KEYED)
    for at, mode in enumerate(("append", "merge")):
        with pytest.raises(WriteConflict):
            port.write("sale", during(at), mode)  # type: ignore[arg-type]
    assert ids(port) == [0, 1]


def test_a_run_writes_once_even_after_its_version_was_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCHEMESH_RUN", f"once in {tmp_path}")
    port = iceberg_shop(tmp_path, KEYED)
    port.write("sale", [{"id": 1}])
    for _ in range(2):
        monkeypatch.setattr(running, "_writes", Counter())
        assert port.write("sale", [{"id": 2}]).repeated is True
        overtake(tmp_path, 5)
        assert remove_former(iceberg_place(tmp_path)) > 0
    assert ids(port) == [1, 5, 5]


WRITER = """
import sys
from alchemesh_platform.connections import connections
from alchemesh_platform.systems.local.iceberg import data

data._FILE_BYTES = 1

def rows():
    for number in range(20_000):
        yield {"id": number}
    print("written in part", flush=True)
    sys.stdin.read()

connections().output("shop").write("sale", rows(), "merge")
"""


def test_a_killed_writer_leaves_no_row_and_no_lock(tmp_path: Path) -> None:
    port = iceberg_shop(tmp_path, KEYED)
    port.write("sale", [{"id": 7}])
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER],
        env={**os.environ, CONNECTIONS_VARIABLE: json.dumps(iceberg_document(tmp_path, {"sale": KEYED}))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "written in part\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    remains = sorted((tmp_path / "sale").rglob("*.parquet"))
    assert (ids(port), len(remains) > 1) == ([7], True)
    assert port.write("sale", [{"id": 8}], "merge").version == 2
    assert ids(port) == [7, 8]
    for file in remains:
        os.utime(file, (0, 0))
    assert remove_former(iceberg_place(tmp_path)) >= len(remains) - 1
    assert (ids(port), len(list((tmp_path / "sale").rglob("*.parquet")))) == ([7, 8], 2)


def test_an_error_of_the_code_is_its_own_and_leaves_no_file(tmp_path: Path) -> None:
    port = iceberg_shop(tmp_path, PLAIN)

    def broken(error: Exception) -> Iterator[dict[str, Any]]:
        yield {"id": 1}
        raise error

    for error in (ValueError("of the code"), FileNotFoundError("prices.csv"), ZeroDivisionError("of the code")):
        with pytest.raises(type(error), match=str(error)):
            port.write("sale", broken(error))

    def inside() -> Iterator[dict[str, Any]]:
        yield {"id": 1}
        port.write("sale", [{"id": 2}])

    with pytest.raises(NotWritable, match="while another write to it takes its rows from the code"):
        port.write("sale", inside())
    assert (ids(port), list((tmp_path / "sale").rglob("*.parquet"))) == ([], [])


@pytest.mark.parametrize("mode", ["append", "overwrite", "merge"])
def test_a_column_that_up_added_meanwhile_is_null(tmp_path: Path, mode: Any) -> None:
    port = iceberg_shop(tmp_path, KEYED)
    port.write("sale", [{"id": 1}])
    create_iceberg(tmp_path, {**KEYED, "place": {"type": "object", "properties": {"x": {"type": "integer"}}}})
    port.write("sale", [{"id": 2, "name": "b"}], mode)
    found = iceberg_place(tmp_path).open().scan().to_arrow().to_pylist()
    assert {"id": 2, "name": "b", "place": None} in found
    assert len(found) == (1 if mode == "overwrite" else 2)


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        ({"id": KEYED["id"]}, "it has no column name"),
        ({**KEYED, "name": {"type": "integer"}}, "column name is integer there"),
        ({**KEYED, "name": {"type": "string", "required": True}}, "column name is required there"),
        ({**KEYED, "day": {"type": "date", "required": True}}, "it requires a column day, which the model has not"),
    ],
)
def test_a_table_that_does_not_fit_the_model_is_refused(tmp_path: Path, there: Properties, reason: str) -> None:
    port = iceberg_shop(tmp_path, KEYED)
    create_iceberg(tmp_path, there)
    with pytest.raises(SchemaMoved, match=f"has another schema than the model: {reason}"):
        port.write("sale", [{"id": 1, "name": "a"}])


def test_a_schema_that_moves_during_a_write_stops_it(tmp_path: Path) -> None:
    port = iceberg_shop(tmp_path, PLAIN)

    def overtaken() -> Iterator[dict[str, Any]]:
        yield {"id": 1}
        create_iceberg(tmp_path, {**PLAIN, "place": {"type": "string"}})

    with pytest.raises(WriteConflict):
        port.write("sale", overtaken())
    assert ids(port) == []
    assert port.write("sale", [{"id": 1}]).rows == 1
