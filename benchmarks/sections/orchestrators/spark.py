"""`alchemesh run` of a job of Spark on 50 million rows, against `spark-submit` of the same script."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from alchemesh_platform.systems.spark.environment import ensure_spark
from alchemesh_platform.systems.spark.java import find_java
from benchmarks.measure import Measured, Ratio, against, measure

ALCHEMESH = str(Path(sys.executable).with_name("alchemesh"))
LIMIT = 1.1
ROWS = 50_000_000
RUNS = 3
MEMORY = "4g"
MANIFEST = f"""\
kind: DataProduct
name: sales
domain: bench
team: bench
owner: bench@acme.example
version: 1.0.0
models:
  sale:
    properties:
      id: {{type: integer, key: true, description: Number}}
      shop: {{type: integer, description: Shop}}
      amount: {{type: number, description: Euros}}
code:
  component: spark-job
  args: {{entrypoint: job.py, memory: {MEMORY}}}
output_ports:
  - name: sales-table
    models: [sale]
    storage: {{component: columnar-table}}
"""
# The table is that of the port, or one of its own without the platform.
JOB = f"""\
import os, sys
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
columns = ("id", "pmod(hash(id), 1000L) AS shop", "pmod(hash(id, 1), 10000) / 100D AS amount")
rows = spark.range({ROWS}).selectExpr(*columns)
table = sys.argv[1] if len(sys.argv) > 1 else os.environ["ALCHEMESH_OUTPUT_SALES_TABLE_TABLES_SALE"]
rows.write.format("delta").mode("overwrite").save(table)
sums = spark.read.format("delta").load(table).groupBy("shop").sum("amount")
assert sums.count() == 1000
"""
# What Delta's documentation says to set, and as much memory.
CONFIGURATION = (
    "spark.master=local[*]",
    f"spark.driver.memory={MEMORY}",
    "spark.ui.enabled=false",
    "spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog",
)


def ratios() -> Iterator[Ratio]:
    """Runs in turns, each to its end."""
    ours: list[Measured] = []
    theirs: list[Measured] = []
    home = ensure_spark()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        product = root / "product"
        product.mkdir()
        (product / "alchemesh.yaml").write_text(MANIFEST, "utf-8")
        (product / "job.py").write_text(JOB, "utf-8")
        environ = {**os.environ, "ALCHEMESH_HOME": str(root / "home"), "NO_COLOR": "1"}
        measure([ALCHEMESH, "up", "--yes"], cwd=product, environ=environ)
        plain = {**os.environ, "JAVA_HOME": str(find_java()), "SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable}
        conf = [f"--conf={each}" for each in CONFIGURATION]
        submit = [str(home / "bin" / "spark-submit"), *conf, "job.py", (root / "plain").as_uri()]
        for _ in range(RUNS):
            ours.append(measure([ALCHEMESH, "run"], cwd=product, environ=environ))
            theirs.append(measure(submit, cwd=product, environ=plain))
        measure([ALCHEMESH, "destroy", "--yes"], cwd=product, environ={**environ, "ALCHEMESH_DELETE": ""})
    yield against(f"`run` of a job on {ROWS // 1_000_000} million rows", ours, "`spark-submit`", theirs, limit=LIMIT)
