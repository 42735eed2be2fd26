"""A product whose code runs in Spark: a model with a property of each type, and its job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from tests.end_to_end.harness import Shop

MANIFEST = """\
kind: DataProduct
name: readings
domain: lab
team: lab-data
owner: ada@lab.example
version: 1.0.0
lifecycle: development
source_systems: [bench]
input_ports:
  - name: raw-readings
    from: {source_system: bench}
    component: file-ingestion
    args: {path: "incoming/*.csv", format: csv}
models:
  reading:
    description: One reading, with a property of each type.
    properties:
      id: {type: integer, key: true, required: true, description: Number}
      label: {type: string, description: Text}
      ratio: {type: number, description: Floating}
      amount: {type: number, precision: 38, scale: 9, description: Exact}
      valid: {type: boolean, description: Flag}
      day: {type: date, description: Day}
      at: {type: timestamp, description: Moment}
      clock: {type: time, description: Time of day}
      place:
        type: object
        description: Nested
        properties: {room: {type: string}, floors: {type: array, items: {type: integer}}}
      parts:
        type: array
        description: Nested
        items: {type: object, properties: {weight: {type: number, precision: 10, scale: 2}, seen: {type: timestamp}}}
code:
  component: spark-job
  args:
    entrypoint: "job:main"
    memory: 1g
    retry_delay: 1s
    conf: {spark.sql.shuffle.partitions: "2", spark.driver.extraJavaOptions: "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
    env: {BENCH_TOKEN: {secret: BENCH_TOKEN}}
output_ports:
  - name: readings-table
    models: [reading]
    storage: {component: columnar-table}
    contract: {version: 1.0.0, lifecycle: active, access: internal, terms: {notice_period: 30d}}
"""
# It reads what another writer has written, writes it again with ids that are 100 higher, and adds a row of its own.
JOB = '''\
import os, pathlib, sys, time
from pyspark.sql import SparkSession

OWN = """
    SELECT 1000L AS id, 'Zürich;' AS label, 0.1D AS ratio, 12345678901234567890123456789.123456789BD AS amount,
        true AS valid, DATE'1582-10-14' AS day, TIMESTAMP'2026-03-29 02:30:00.123456' AS at, '13:45:00' AS clock,
        named_struct('floors', array(1L, NULL), 'room', 'a') AS place,
        array(named_struct('weight', 1.25BD, 'seen', TIMESTAMP'1899-12-31 23:59:59 UTC'), NULL) AS parts
"""


def main():
    spark = SparkSession.builder.getOrCreate()
    if "wait" in sys.argv:
        pathlib.Path("begun").touch()
        time.sleep(600)
    landed = spark.table("raw_readings").count()
    table = spark.table("readings_table.reading")
    table.withColumn("id", table.id + 100).writeTo("readings_table.reading").append()
    spark.sql(OWN).to(table.schema).writeTo("readings_table.reading").append()
    print(landed, "landed with", os.environ["BENCH_TOKEN"])
'''
# The second statement is wrong: it begins on line 6, and names a column on line 8 that the table does not have.
STATEMENTS = """\
-- The first one; it is committed.
INSERT INTO readings_table.reading BY NAME
SELECT CAST(id AS BIGINT) + 5000 AS id, 'of; SQL' AS label FROM raw_readings;


INSERT INTO readings_table.reading BY NAME
SELECT id + 6000 AS id,
    lable AS label
FROM readings_table.reading WHERE id > 5000
"""
SECRET = "bench-token-5d1f"


class Lab(Shop):
    """The product, with a table for its rows."""

    @property
    def table(self) -> Path:
        """The folder of the table."""
        [found] = self.home.rglob("_delta_log")
        return found.parent

    def rows(self) -> dict[int, dict[str, Any]]:
        """The rows as deltalake reads them, by id."""
        read: list[dict[str, Any]] = DeltaTable(str(self.table)).to_pyarrow_table().to_pylist()
        found = {row.pop("id"): row for row in read}
        assert len(found) == len(read)  # none is there twice
        return found

    def runs(self) -> list[Any]:
        """The runs in the history, the newest first."""
        with self.registry() as registry:
            return list(registry.deployments("lab/readings", "local", operations=("run",)))


def lab(folder: Path) -> Lab:
    """The product in a new folder. It is not deployed."""
    made = Lab(folder / "readings", folder / "home", {"BENCH_TOKEN": SECRET})
    (made.folder / "incoming").mkdir(parents=True)
    (made.folder / "incoming" / "monday.csv").write_text("id\n1\n2\n3\n", "utf-8")
    made.manifest.write_text(MANIFEST, "utf-8")
    (made.folder / "job.py").write_text(JOB, "utf-8")
    return made
