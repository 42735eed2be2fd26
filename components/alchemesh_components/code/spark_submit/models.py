"""Arguments of spark-submit."""

from __future__ import annotations

from alchemesh_components.spark.arguments import SparkArgs


class Args(SparkArgs):
    """Arguments of a job of Spark on this machine."""
