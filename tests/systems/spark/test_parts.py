"""The parts of a job of Spark that need no Spark: its configuration, counts of rows, and copies of upstream rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from alchemesh_components.spark.arguments import SparkArgs
from alchemesh_platform.data.rows import Rows
from alchemesh_platform.systems.spark.submitting import SparkOptions, Submission
from alchemesh_platform.systems.spark.tables import copied
from alchemesh_platform.systems.spark.written import rows_of


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("sql.ansi.enabled", "expected a name that begins with spark."),
        ("spark.eventLog.dir", "which the platform sets"),
        ("spark.hadoop.fs.s3a.secret.key", "give a secret in `env`, by reference"),
    ],
)
def test_a_configuration_that_takes_away_the_history_or_shows_a_secret_is_refused(name: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        SparkArgs(entrypoint="job.py", conf={name: "1"})


@pytest.fixture
def java(tmp_path: Path) -> str:
    """A folder that looks like Java 21."""
    (tmp_path / "java" / "bin").mkdir(parents=True)
    (tmp_path / "java" / "bin" / "java").touch()
    (tmp_path / "java" / "release").write_text('JAVA_VERSION="21.0.2"\n', "utf-8")
    return str(tmp_path / "java")


def test_the_configuration_of_a_job_is_added_to_that_of_the_platform(tmp_path: Path, java: str) -> None:
    conf = {"spark.sql.extensions": "org.acme.Geo", "spark.driver.extraJavaOptions": "-Xss4m"}
    options = SparkOptions(home=str(tmp_path), java_home=java, cores=3, conf=conf)
    found = Submission(options, tmp_path / "run", "3f9c", "python3").configuration()
    assert found["spark.sql.extensions"] == "org.acme.Geo,io.delta.sql.DeltaSparkSessionExtension"
    assert found["spark.driver.extraJavaOptions"].endswith(" -Xss4m")
    assert found["spark.master"] == "local[3]"


def test_the_event_logs_of_the_latest_runs_are_kept(tmp_path: Path, java: str) -> None:
    options = SparkOptions(home=str(tmp_path), java_home=java)
    for number in range(32):
        submission = Submission(options, tmp_path, f"run-{number}", "python3")
        with submission.folders():
            assert submission.events.is_dir()
    assert len(list(submission.events.parent.iterdir())) == 30
    assert submission.events.is_dir()
    assert not submission.work.exists()


@pytest.mark.parametrize(
    ("commit", "rows"),
    [
        ({"operation": "WRITE", "operationMetrics": {"numOutputRows": "7", "numFiles": "1"}}, 7),
        (
            {
                "operation": "MERGE",
                "operationMetrics": {"numTargetRowsInserted": "2", "numTargetRowsUpdated": "3", "numOutputRows": "90"},
            },
            5,
        ),
        ({"operation": "UPDATE", "operationMetrics": {"numUpdatedRows": "4", "numCopiedRows": "80"}}, 4),
        ({"operation": "DELETE", "operationMetrics": {"numDeletedRows": "4", "numCopiedRows": "80"}}, 0),
        ({"operation": "SET TBLPROPERTIES"}, 0),
    ],
)
def test_rows_that_a_commit_only_copied_do_not_count(commit: dict[str, Any], rows: int) -> None:
    assert rows_of(commit) == rows


def test_rows_of_another_product_are_copied_in_batches(tmp_path: Path) -> None:
    table = pa.table({"id": pa.array(range(5)), "at": pa.array([0, 1, None, 3, 4], pa.timestamp("us", "UTC"))})
    folder = copied(
        Rows(table.schema, lambda: iter(table.to_batches(max_chunksize=2))), tmp_path / "flights" / "flight"
    )
    assert pq.read_table(folder).equals(table)
