"""Settings for Spark: the group ``spark`` of the platform file's settings."""

from __future__ import annotations

from pydantic import Field

from alchemesh_components.local.settings import LocalSettings
from alchemesh_components.spark.arguments import Conf
from alchemesh_platform.sdk.models import Strict


class SparkSettings(Strict):
    """The Spark that runs jobs on this machine."""

    home: str | None = Field(
        default=None,
        pattern="^/",
        description="Folder of a Spark 4 with the jars of Delta; by default the platform installs one.",
        examples=["/opt/spark"],
    )
    java_home: str | None = Field(
        default=None,
        pattern="^/",
        description="Folder of Java, 17 or newer; by default that of JAVA_HOME, or another one of this machine.",
    )
    cores: int | None = Field(default=None, ge=1, description="Cores that a run uses; by default all.")
    conf: Conf = Field(default_factory=dict, description="Configuration of Spark for all jobs.")


class Settings(Strict):
    """Settings groups of jobs by spark-submit."""

    local: LocalSettings = Field(description="The embedded local platform.")
    spark: SparkSettings = Field(default_factory=SparkSettings, description="Spark.")
