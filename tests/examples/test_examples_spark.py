"""The code of flights in Spark, on ten years of departures: it writes the rows that DuckDB writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from staging import EXAMPLES, Product, set_up_folder, set_up_tables

from alchemesh_platform.connections import CONNECTIONS_VARIABLE, PortConnections
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.systems.spark.submitting import SparkOptions, Submission
from tests.needs import need_java

YEARS = 10
CODE = "flights.spark:main"
SEEN = f"{EXAMPLES / 'flights'}{os.pathsep}{EXAMPLES.parent}"


def _of_parquet(port: PortConnections) -> PortConnections:
    """A landing area, as `up` describes it."""
    return PortConnections(storage=port.files.model_copy(update={"format": "parquet"}))


def test_the_overlay_of_spark_changes_the_code_alone(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "flights" / "alchemesh.yaml", tmp_path)
    shutil.copy(EXAMPLES / "flights" / "orchestrators" / "alchemesh.spark.yaml", tmp_path)
    here = load_manifest(tmp_path / "alchemesh.yaml", "local").product
    there = load_manifest(tmp_path / "alchemesh.yaml", "spark").product
    assert there.code is not None
    assert (there.code.component, there.code.args["entrypoint"]) == ("spark-job", CODE)
    assert there.model_copy(update={"code": here.code}) == here


@pytest.mark.slow
def test_spark_writes_the_rows_of_duckdb_on_ten_times_the_departures(flights: Product, tmp_path: Path) -> None:
    need_java()
    landed = set_up_folder(tmp_path / "departures")
    with duckdb.connect() as work:
        work.execute(
            "COPY (SELECT * EXCLUDE further REPLACE (year + further AS year) "
            f"FROM '{flights.input('departures')}/*.parquet', range({YEARS}) AS years(further)) "
            f"TO '{landed.files.path}/all.parquet'"
        )
    inputs = {name: _of_parquet(port) for name, port in flights.connections.inputs.items()}
    here = flights.connections.model_copy(
        update={
            "inputs": {**inputs, "departures": _of_parquet(landed)},
            "outputs": {
                "flights-table": set_up_tables("flights", "flights-table", tmp_path),
                "raw-files": set_up_folder(tmp_path / "raw-files"),
            },
        }
    )
    (tmp_path / "connections.json").write_text(here.model_dump_json())
    options = SparkOptions(conf={"spark.sql.shuffle.partitions": "4", "spark.ui.showConsoleProgress": "false"})
    submission = Submission(options, tmp_path / "run", "ten-years", sys.executable)
    variables = {**os.environ, **submission.variables(), CONNECTIONS_VARIABLE: str(tmp_path / "connections.json")}
    variables["PYTHONPATH"] += os.pathsep + SEEN
    with submission.folders():
        done = subprocess.run(
            [*submission.command(), CODE],
            cwd=EXAMPLES / "flights",
            env=variables,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr

    written = Product("flights", tmp_path, here)
    with flights.opened("flights-table") as one, written.opened("flights-table") as ten:
        for model in ("airline", "airport", "flight"):
            ours, theirs = (each.sql(f"FROM {model}").arrow().read_all() for each in (ten, one))
            one.register("ours", ours)
            first = "WHERE year(scheduled_departure - INTERVAL 5 HOUR) = 2013" if model == "flight" else ""
            assert theirs.num_rows > 0
            assert one.sql(f"(FROM ours {first}) EXCEPT ALL FROM {model}").fetchall() == []
            assert one.sql(f"FROM {model} EXCEPT ALL (FROM ours {first})").fetchall() == []
        ((rows,),) = ten.sql("SELECT count(*) FROM flight").fetchall()
        ((year,),) = one.sql("SELECT count(*) FROM flight").fetchall()
        # Clocks go forward on another day each year: a time that does not exist moves, and may meet another departure.
        assert YEARS * year - 100 < rows <= YEARS * year
