"""Python environments of servers that the platform starts: made here, so that no test waits for pip."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.clouds.aws.emulation.servers.services import ensure_ministack
from alchemesh_platform.clouds.gcp.emulation.servers.local_bigquery import ensure_local_bigquery
from alchemesh_platform.systems.airflow.server import ensure_airflow
from alchemesh_platform.systems.dagster.environment import ensure_dagster
from alchemesh_platform.systems.spark.environment import ensure_spark
from parts.java import PartFailed


def missing() -> str | None:
    """Nothing: Python and a package index are enough."""
    return None


def _prepare(ensure: Callable[[], Path]) -> Path:
    try:
        return ensure()
    except Failure as error:
        raise PartFailed(error.message) from error


# One function for each environment, by the name of its part.
PREPARE: dict[str, Callable[[], Path]] = {
    "airflow": partial(_prepare, ensure_airflow),
    "dagster": partial(_prepare, ensure_dagster),
    "local-bigquery": partial(_prepare, ensure_local_bigquery),
    "ministack": partial(_prepare, ensure_ministack),
    "spark": partial(_prepare, ensure_spark),
}
