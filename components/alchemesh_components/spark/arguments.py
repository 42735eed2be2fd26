"""Arguments that a job of Spark has wherever it runs."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from alchemesh_components.code.arguments import RunArgs

ENTRYPOINT_PATTERN = r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*|[\w./-]+\.(py|sql))$"
PACKAGE_PATTERN = r"^[\w.-]+:[\w.-]+:[\w.-]+$"
# Configuration that the platform sets: without it, a run would lose its event log, its tables or its history.
OURS = (
    "spark.app.name",
    "spark.databricks.delta.commitInfo.userMetadata",
    "spark.databricks.delta.write.txn",
    "spark.driver.memory",
    "spark.eventLog.",
    "spark.jars.packages",
    "spark.local.dir",
    "spark.master",
    "spark.sql.catalog.spark_catalog",
    "spark.sql.catalogImplementation",
    "spark.sql.parquet.outputTimestampType",
    "spark.sql.session.timeZone",
    "spark.sql.warehouse.dir",
    "spark.submit.deployMode",
)
_SECRET = re.compile(r"password|secret|token|credential|access\.?key", re.IGNORECASE)


def _allowed(conf: dict[str, str]) -> dict[str, str]:
    for name in conf:
        if not name.startswith("spark."):
            raise ValueError(f"found {name!r}, expected a name that begins with spark.")
        if name.startswith(OURS):
            raise ValueError(f"found {name}, which the platform sets; `memory` and `packages` are arguments")
        if _SECRET.search(name):
            raise ValueError(f"found {name}: event logs show the configuration; give a secret in `env`, by reference")
    return conf


Conf = Annotated[dict[str, str], AfterValidator(_allowed)]


class SparkArgs(RunArgs):
    """Arguments of a job of Spark."""

    entrypoint: Annotated[str, StringConstraints(pattern=ENTRYPOINT_PATTERN)] = Field(
        description="Code to run: package.module:function, or the path of a script or of a file of SQL statements, in "
        "the manifest's folder.",
        examples=["flights.spark:main", "totals.sql"],
    )
    memory: Annotated[str, StringConstraints(pattern=r"^[1-9]\d*[mg]$")] = Field(
        default="2g", description="Memory of the driver, which on one machine runs everything.", examples=["8g"]
    )
    conf: Conf = Field(
        default_factory=dict,
        description="Configuration of Spark. A name begins with spark.",
        examples=[{"spark.sql.shuffle.partitions": "64"}],
    )
    packages: tuple[Annotated[str, StringConstraints(pattern=PACKAGE_PATTERN)], ...] = Field(
        default=(), description="Libraries from Maven Central: group:artifact:version. Delta is always there."
    )
