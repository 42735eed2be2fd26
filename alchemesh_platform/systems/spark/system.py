"""Spark on this machine, as a system."""

from __future__ import annotations

from alchemesh_platform.sdk.system.system import System

SYSTEM = System(
    name="spark",
    summary="Apache Spark on this machine, with Delta.",
    handlers={"alchemesh:spark:Spark": "alchemesh_platform.systems.spark.handler:SparkHandler"},
)
