"""Two writers at once, a killed writer, and a schema that moved meanwhile."""

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
from threading import Event, Thread, get_ident
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from alchemesh_platform.connections import (
    CONNECTIONS_VARIABLE,
    NotWritable,
    OutputPort,
    RowsRefused,
    SchemaMoved,
    WriteConflict,
)
from alchemesh_platform.data import running
from alchemesh_platform.data.backend import Written
from tests.data.products import Properties, create, document, shop

KEYED: Properties = {"id": {"type": "integer", "key": True, "required": True}, "name": {"type": "string"}}
PLAIN: Properties = {"id": {"type": "integer", "required": True}, "name": {"type": "string"}}

WRITER = """
import sys
from alchemesh_platform.connections import connections

def rows():
    for number in range(200_000):
        yield {"id": number}
    print("written in part", flush=True)
    sys.stdin.read()

connections().output("shop").write("sale", rows(), sys.argv[1])
"""


def ids(port: OutputPort) -> list[int]:
    return sorted(row["id"] for row in port.read("sale").pylist())


def version(folder: Path) -> int:
    return DeltaTable(str(folder / "sale")).version()


def test_two_writers_of_one_key_take_turns_and_the_second_is_refused(tmp_path: Path) -> None:
    port = shop(tmp_path, KEYED)
    begun, release = Event(), Event()
    results: list[Written | Exception] = []

    def slow() -> Iterator[dict[str, Any]]:
        begun.set()
        assert release.wait(60)
        yield {"id": 1}

    def write(rows: Any) -> None:
        try:
            results.append(port.write("sale", rows))
        except RowsRefused as error:
            results.append(error)

    first = Thread(target=write, args=(slow(),))
    first.start()
    assert begun.wait(60)
    second = Thread(target=write, args=([{"id": 1}],))
    second.start()
    release.set()
    for thread in (first, second):
        thread.join(60)
    assert [type(each) for each in results] == [Written, RowsRefused]
    assert ids(port) == [1]


def test_two_appends_without_a_key_both_land(tmp_path: Path) -> None:
    port = shop(tmp_path, PLAIN)

    def overtaken() -> Iterator[dict[str, Any]]:
        yield {"id": 1}
        write_deltalake(str(tmp_path / "sale"), pa.table({"id": [2], "name": ["other"]}), mode="append")

    assert port.write("sale", overtaken()).rows == 1
    assert ids(port) == [1, 2]


@pytest.mark.parametrize(
    ("properties", "mode", "where"),
    [
        (KEYED, "append", None),
        (KEYED, "merge", None),
        (PLAIN, "overwrite", None),
        (PLAIN, "replace_where", {"id": 1}),
    ],
)
def test_a_write_that_replaces_or_compares_rows_is_not_overtaken(
    tmp_path: Path, properties: Properties, mode: str, where: Any
) -> None:
    """A writer that does not take turns, such as another tool, would add a key twice, or survive an overwrite."""
    port = shop(tmp_path, properties)
    port.write("sale", [{"id": 0}])

    def overtaken() -> Iterator[dict[str, Any]]:
        yield {"id": 1}
        write_deltalake(str(tmp_path / "sale"), pa.table({"id": [1], "name": ["other"]}), mode="append")

    with pytest.raises(WriteConflict) as refused:
        port.write("sale", overtaken(), mode, where=where)
    assert str(refused.value) == (
        "output port 'shop': another writer changed the table of model 'sale' meanwhile, so nothing was written"
        "\n\nhint: run the code again"
    )
    assert ids(port) == [0, 1]
    assert [row["name"] for row in port.read("sale", where={"id": 1}).pylist()] == ["other"]


@pytest.mark.parametrize("mode", ["append", "overwrite", "merge"])
def test_a_killed_writer_leaves_no_row_and_no_lock(tmp_path: Path, mode: str) -> None:
    port = shop(tmp_path, KEYED)
    port.write("sale", [{"id": 7}])
    known = json.dumps(document(tmp_path, {"sale": KEYED}))
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, mode],
        env={**os.environ, CONNECTIONS_VARIABLE: known},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "written in part\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    assert writer.returncode == -signal.SIGKILL
    assert (version(tmp_path), ids(port)) == (1, [7])
    assert port.write("sale", [{"id": 8}], mode).version == 2
    assert ids(port) == ([8] if mode == "overwrite" else [7, 8])


def test_an_error_of_the_code_leaves_no_row(tmp_path: Path) -> None:
    port = shop(tmp_path, PLAIN)

    def broken() -> Iterator[dict[str, Any]]:
        yield from ({"id": number} for number in range(50_000))
        raise ZeroDivisionError("of the code")

    with pytest.raises(ZeroDivisionError, match="of the code"):
        port.write("sale", broken())
    assert version(tmp_path) == 0
    assert port.write("sale", [{"id": 1}]).rows == 1


def test_a_write_that_was_tried_again_after_a_conflict_is_one_write_of_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second attempt counted as another write, so the repeated run wrote its first attempt."""
    monkeypatch.setenv("ALCHEMESH_RUN", f"tried again in {tmp_path}")
    port = shop(tmp_path, KEYED)

    def overtaken() -> Iterator[dict[str, Any]]:
        yield {"id": 1}
        write_deltalake(str(tmp_path / "sale"), pa.table({"id": [2], "name": ["x"]}), mode="append")

    with pytest.raises(WriteConflict):
        port.write("sale", overtaken())
    assert port.write("sale", [{"id": 1}]).repeated is False
    monkeypatch.setattr(running, "_writes", Counter())
    assert port.write("sale", [{"id": 1}]).repeated is True
    assert ids(port) == [1, 2]


def test_a_write_inside_of_a_write_to_the_same_table_is_refused(tmp_path: Path) -> None:
    port = shop(tmp_path, PLAIN)

    def rows() -> Iterator[dict[str, Any]]:
        yield {"id": 1}
        port.write("sale", [{"id": 2}])

    with pytest.raises(NotWritable, match="while another write to it takes its rows from the code") as refused:
        port.write("sale", rows())
    assert refused.value.hint == "end one write before the next one starts"
    assert port.write("sale", [{"id": 3}]).rows == 1
    assert ids(port) == [3]


def test_an_empty_id_of_a_write_is_refused(tmp_path: Path) -> None:
    """All writes with it after the first one were left out."""
    with pytest.raises(NotWritable, match="`run` is an empty text"):
        shop(tmp_path, PLAIN).write("sale", [{"id": 1}], run="")


def test_a_file_that_the_code_cannot_read_is_an_error_of_the_code(tmp_path: Path) -> None:
    """It was reported as a table that cannot be written."""
    port = shop(tmp_path, PLAIN)

    def broken() -> Iterator[dict[str, Any]]:
        yield {"id": 1}
        raise FileNotFoundError("prices.csv")

    with pytest.raises(FileNotFoundError, match=r"prices\.csv"):
        port.write("sale", broken())
    assert ids(port) == []


FORKED = """
import multiprocessing
from alchemesh_platform.connections import NotWritable, connections

def write():
    port = connections().output("shop")
    try:
        print(port.write("sale", [{"id": 1}]).repeated, flush=True)
    except NotWritable as error:
        print(str(error), flush=True)
        print(port.write("sale", [{"id": 2}], run="child").repeated, flush=True)

child = multiprocessing.get_context("fork").Process(target=write)
child.start()
child.join()
write()
"""


def test_a_process_of_a_process_gives_its_writes_an_id_of_their_own(tmp_path: Path) -> None:
    """The first write of each process had the same id, so all but one were taken for repetitions and left out."""
    port = shop(tmp_path, PLAIN)
    known = json.dumps(document(tmp_path, {"sale": PLAIN}))
    environ = {**os.environ, CONNECTIONS_VARIABLE: known, "ALCHEMESH_RUN": "r-1"}
    done = subprocess.run([sys.executable, "-c", FORKED], env=environ, capture_output=True, text=True, check=True)
    assert "both would give their first write to model 'sale' the same id" in done.stdout
    assert done.stdout.splitlines()[-2:] == ["False", "False"]
    assert ids(port) == [1, 2]


def test_iterators_of_the_code_run_in_its_own_thread(tmp_path: Path) -> None:
    """Cursors of SQLite belong to a thread, and delta-rs cannot read a table from a thread that writes another."""
    port, other = shop(tmp_path, PLAIN), shop(tmp_path / "other", PLAIN)
    other.write("sale", [{"id": 5}])
    threads = set()

    def rows() -> Iterator[dict[str, Any]]:
        threads.add(get_ident())
        yield from DeltaTable(str(tmp_path / "other" / "sale")).to_pyarrow_table().to_pylist()

    port.write("sale", rows())
    assert (threads, ids(port)) == ({get_ident()}, [5])


@pytest.mark.parametrize("mode", ["append", "overwrite", "merge"])
def test_a_column_that_up_added_meanwhile_is_null(tmp_path: Path, mode: str) -> None:
    """The code still runs with the connections of the former model."""
    port = shop(tmp_path, KEYED)
    port.write("sale", [{"id": 1}])
    create(tmp_path / "sale", {**KEYED, "place": {"type": "object", "properties": {"x": {"type": "integer"}}}})
    port.write("sale", [{"id": 2, "name": "b"}], mode)
    rows = DeltaTable(str(tmp_path / "sale")).to_pyarrow_table().to_pylist()
    assert {"id": 2, "name": "b", "place": None} in rows
    assert len(rows) == (1 if mode == "overwrite" else 2)


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        ({"id": KEYED["id"]}, "it has no column name"),
        ({**KEYED, "name": {"type": "integer"}}, "column name is integer there"),
        ({**KEYED, "name": {"type": "string", "required": True}}, "column name is required there"),
        ({**KEYED, "day": {"type": "date", "required": True}}, "it requires a column day, which the model has not"),
    ],
)
def test_a_table_that_does_not_fit_the_model_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, there: Properties, reason: str
) -> None:
    port = shop(tmp_path, KEYED)
    create(tmp_path / "sale", there)
    before = version(tmp_path)
    with pytest.raises(SchemaMoved) as refused:
        port.write("sale", [{"id": 1, "name": "a"}])
    assert str(refused.value) == (
        f"output port 'shop': the table of model 'sale' has another schema than the model: {reason}"
        "\n\nhint: `alchemesh up` updates the table to its model; run the code again afterwards"
    )
    assert version(tmp_path) == before


def test_a_schema_that_moves_during_a_write_stops_it(tmp_path: Path) -> None:
    port = shop(tmp_path, PLAIN)

    def overtaken() -> Iterator[dict[str, Any]]:
        yield {"id": 1}
        create(tmp_path / "sale", {**PLAIN, "place": {"type": "string"}})

    with pytest.raises(WriteConflict):
        port.write("sale", overtaken())
    assert ids(port) == []
    assert port.write("sale", [{"id": 1}]).rows == 1


def test_a_table_that_is_missing_is_named(tmp_path: Path) -> None:
    port = shop(tmp_path, PLAIN)
    (tmp_path / "sale").rename(tmp_path / "elsewhere")
    with pytest.raises(NotWritable, match="there is no table of model 'sale' in") as refused:
        port.write("sale", [{"id": 1}])
    assert "`alchemesh up` creates it, then run the code again" in str(refused.value)


def nullable(folder: Path) -> dict[str, bool]:
    return {field.name: field.nullable for field in DeltaTable(str(folder / "sale")).schema().fields}


def test_each_mode_keeps_the_constraints_of_the_table(tmp_path: Path) -> None:
    port = shop(tmp_path, KEYED)
    port.write("sale", [{"id": 1}])
    port.write("sale", [{"id": 2}], "overwrite")
    port.write("sale", [{"id": 3}], "merge")
    port.write("sale", [{"id": 2, "name": "b"}], "replace_where", where={"id": 2})
    assert nullable(tmp_path) == {"id": False, "name": True}


def test_a_table_that_other_code_widened_loses_no_row_and_becomes_strict_again(tmp_path: Path) -> None:
    """Found fault 16: delta-rs makes every column optional with `schema_mode="merge"`, and `up` refused for ever."""
    port = shop(tmp_path, KEYED)
    widened = pa.table({"id": [1], "name": ["a"], "source": ["web"]})
    write_deltalake(str(tmp_path / "sale"), widened, mode="append", schema_mode="merge")
    assert nullable(tmp_path)["id"]
    with pytest.raises(RowsRefused, match="id: found null, and it is required"):
        port.write("sale", [{"name": "b"}])
    port.write("sale", [{"id": 2}])
    create(tmp_path / "sale", {**KEYED, "source": {"type": "string"}})
    assert nullable(tmp_path) == {"id": False, "name": True, "source": True}
    assert ids(port) == [1, 2]


def test_rows_of_partitions_are_written_and_compared(tmp_path: Path) -> None:
    port = shop(tmp_path, {**KEYED, "day": {"type": "date"}}, "name", "day")
    port.write("sale", [{"id": 1, "name": "a b/c"}, {"id": 2, "name": None}])
    with pytest.raises(RowsRefused, match="another row in the table has the same id"):
        port.write("sale", [{"id": 2, "name": "x"}])
    port.write("sale", [{"id": 3, "name": "a b/c"}], "replace_where", where={"name": "a b/c"})
    found = sorted((row["id"], row["name"]) for row in port.read("sale").pylist())
    assert found == [(2, None), (3, "a b/c")]


@pytest.mark.parametrize(
    ("column", "declared", "low", "high"),
    [
        ("at", {"type": "timestamp"}, datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 2, 0, 0, 0, 1, tzinfo=UTC)),
        ("day", {"type": "date"}, date(2024, 5, 1), date(2024, 5, 2)),
        ("amount", {"type": "number", "precision": 20, "scale": 2}, Decimal("1.10"), Decimal("123456789012345678.90")),
        ("number", {"type": "number"}, 0.1, 1e300),
        ("flag", {"type": "boolean"}, False, True),
        ("text", {"type": "string"}, "it's", 'q"\\%_'),
    ],
)
def test_conditions_of_each_type_select_the_same_rows_for_reads_and_writes(
    tmp_path: Path, column: str, declared: dict[str, Any], low: Any, high: Any
) -> None:
    port = shop(tmp_path, {"id": {"type": "integer"}, column: declared})
    port.write("sale", [{"id": 1, column: low}, {"id": 2, column: high}, {"id": 3, column: None}])
    assert [row["id"] for row in port.read("sale", where={column: high}).pylist()] == [2]
    port.write("sale", [{"id": 4, column: high}], "replace_where", where={column: [high]})
    assert ids(port) == [1, 3, 4]
    port.write("sale", [{"id": 5, column: low}], "replace_where", where=[(column, "<", high)])
    assert ids(port) == [3, 4, 5]


def test_enumerations_of_duckdb_are_texts(tmp_path: Path) -> None:
    port = shop(tmp_path, PLAIN)
    port.write("sale", duckdb.sql("SELECT 1 AS id, 'a'::ENUM ('a', 'b') AS name"))
    assert port.read("sale").pylist() == [{"id": 1, "name": "a"}]
