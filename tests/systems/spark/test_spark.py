"""A product whose code runs by a real `spark-submit`, deployed, run, broken and killed as a user does it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import psutil
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from tests.end_to_end.harness import everything_in
from tests.needs import need_java
from tests.systems.spark.products import SECRET, STATEMENTS, Lab, lab
from tests.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.slow]

# As deltalake writes it. The first row has each value, the second none.
WRITTEN = {
    "label": "λ 'quoted'\n",
    "ratio": -1e308,
    "amount": Decimal("-99999999999999999999999999999.999999999"),
    "valid": False,
    "day": date(1, 1, 1),
    "at": datetime(2026, 10, 25, 1, 30, 0, 1, tzinfo=UTC),
    "clock": "23:59:59.999999",
    "place": {"room": None, "floors": [2**63 - 1, None]},
    "parts": [{"weight": Decimal("0.01"), "seen": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)}, None],
}
NOTHING = dict.fromkeys(WRITTEN)
OWN = {
    "label": "Zürich;",
    "ratio": 0.1,
    "amount": Decimal("12345678901234567890123456789.123456789"),
    "valid": True,
    "day": date(1582, 10, 14),
    "at": datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=UTC),
    "clock": "13:45:00",
    "place": {"room": "a", "floors": [1, None]},
    "parts": [{"weight": Decimal("1.25"), "seen": datetime(1899, 12, 31, 23, 59, 59, tzinfo=UTC)}, None],
}


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The deployed product, which the tests of this file share."""
    need_java()
    made = lab(tmp_path_factory.mktemp("spark"))
    made.done("up", "--yes")
    yield made
    made.done("destroy", "--yes", more={"ALCHEMESH_DELETE": ""})


def test_values_of_each_type_pass_between_deltalake_and_spark_unchanged(readings: Lab) -> None:
    schema = pa.schema(DeltaTable(str(readings.table)).schema().to_arrow())
    rows = [{"id": 1, **WRITTEN}, {"id": 2, **NOTHING}]
    write_deltalake(str(readings.table), pa.Table.from_pylist(rows, schema=schema), mode="append")

    done = readings.run("run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert readings.rows() == {1: WRITTEN, 2: NOTHING, 101: WRITTEN, 102: NOTHING, 1000: OWN}
    [line] = [line for line in done.stdout.splitlines() if "landed with" in line]
    assert line.startswith("3 landed with ")
    assert SECRET.encode() not in done.stdout.encode() + everything_in(readings.home)

    [run] = readings.runs()
    assert (run.outcome, run.trigger, run.written) == ("succeeded", "manual", {"readings-table/reading": 3})
    shown = readings.done("runs", "show", run.id[:8])
    [kept] = [line.split()[-1] for line in shown.splitlines() if "event log" in line]
    assert list(Path(kept).rglob("events_*"))


def test_a_file_of_statements_is_wrong_at_its_line_and_a_retry_repeats_no_committed_statement(readings: Lab) -> None:
    before = readings.rows()
    (readings.folder / "totals.sql").write_text(STATEMENTS, "utf-8")
    readings.edit('"job:main"', "totals.sql")
    readings.edit("    memory:", "    retries: 1\n    memory:")
    readings.done("up", "--yes")
    failed = readings.run("run")
    assert failed.returncode != 0
    said = failed.stdout + failed.stderr
    assert said.count("error: totals.sql:8: [UNRESOLVED_COLUMN") == 2, said
    assert "\tat org.apache" not in said
    second, first = readings.runs()[:2]
    assert [(run.outcome, run.exit_status, run.attempt) for run in (first, second)] == [
        ("failed", 1, 1),
        ("failed", 1, 2),
    ]
    assert (first.written, second.written) == ({"readings-table/reading": 3}, {})
    assert readings.rows().keys() - before.keys() == {5001, 5002, 5003}
    readings.edit("totals.sql", '"job:main"')
    readings.edit("    retries: 1\n", "")
    readings.done("up", "--yes")


def test_code_that_fails_on_import_shows_its_traceback(readings: Lab) -> None:
    good = (readings.folder / "job.py").read_text("utf-8")
    (readings.folder / "job.py").write_text(f"import pandsa\n{good}", "utf-8")
    failed = readings.run("run")
    (readings.folder / "job.py").write_text(good, "utf-8")
    assert failed.returncode == 1
    said = failed.stdout + failed.stderr
    assert f'File "{readings.folder / "job.py"}", line 1' in said
    assert "ModuleNotFoundError: No module named 'pandsa'" in said
    [run, *_] = readings.runs()
    assert (run.outcome, run.exit_status) == ("failed", 1)


def test_a_killed_driver_is_a_failed_run_that_leaves_nothing_behind(readings: Lab) -> None:
    before, number = readings.rows(), len(readings.runs())
    running = readings.start("run", "--", "wait")
    until((readings.folder / "begun").exists, "the code runs", seconds=300)
    [java] = [each for each in psutil.Process(running.pid).children(recursive=True) if each.name() == "java"]
    below = java.children(recursive=True)
    assert below  # the Python of the code
    os.kill(java.pid, signal.SIGKILL)
    running.communicate(timeout=60)
    assert running.returncode != 0
    until(lambda: not any(each.is_running() for each in below), "its Python has ended")
    [run] = readings.runs()[: len(readings.runs()) - number]
    assert (run.outcome, run.problem) == ("failed", "the code was ended by signal 9")
    assert readings.rows() == before
    [work] = {path.parent for path in readings.home.rglob("events") if path.parent.name == "spark"}
    assert [path.name for path in work.iterdir()] == ["events"]
