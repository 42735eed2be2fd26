"""The command of `spark-submit` that runs a job on this machine, and the folders of its runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from alchemesh_platform.machine.environments import Report
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.systems.spark.environment import ensure_spark
from alchemesh_platform.systems.spark.java import find_java

DRIVER = Path(__file__).with_name("driver.py")
LOGGING = Path(__file__).with_name("files") / "log4j2.properties"
EVENTS_KEPT = 30  # event logs of the latest runs
_EXTENSIONS = "spark.sql.extensions"
_JAVA_OPTIONS = "spark.driver.extraJavaOptions"


class SparkOptions(BaseModel):
    """The part of a job's description that is about Spark."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: str | None = Field(default=None, description="Folder of Spark; by default one that the platform installs.")
    java_home: str | None = Field(default=None, description="Folder of Java; by default one of this machine.")
    cores: int | None = Field(default=None, ge=1, description="Cores that a run uses; by default all.")
    memory: str = Field(default="2g", description="Memory of a run: 2g.")
    conf: dict[str, str] = Field(default_factory=dict, description="Configuration of Spark.")
    packages: tuple[str, ...] = Field(default=(), description="Libraries from Maven Central: group:artifact:version.")


class Submission:
    """One run of a job by `spark-submit`.

    Args:
        options: Spark's part of the job's description.
        folder: Folder of the product's runs, which the platform owns.
        run: Id of the run.
        python: Python that runs the code.
        environ: The environment variables.
        report: Called with a line of progress before an installation.

    Raises:
        NoJava: when there is no Java.
        EnvironmentFailed: when Spark cannot be installed.
    """

    def __init__(
        self,
        options: SparkOptions,
        folder: Path,
        run: str,
        python: str,
        environ: Mapping[str, str] = os.environ,
        report: Report = lambda _line: None,
    ) -> None:
        self.options, self.run, self.python, self.environ = options, run, python, environ
        self.java = find_java(options.java_home, environ)
        self.home = Path(options.home) if options.home else ensure_spark(report, java_home=str(self.java))
        self.events = events_folder(folder) / run
        self.work = folder / "spark" / "work"

    @contextmanager
    def folders(self) -> Iterator[None]:
        """The folders of the run: its event log, and the work that a killed run may have left behind."""
        with storage_errors(f"write in {self.work.parent}"):
            shutil.rmtree(self.work, ignore_errors=True)
            for each in (self.events, self.work):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
            for old in _latest_first(self.events.parent)[EVENTS_KEPT:]:
                shutil.rmtree(old, ignore_errors=True)
        try:
            yield
        finally:
            shutil.rmtree(self.work, ignore_errors=True)

    def command(self) -> list[str]:
        """`spark-submit` up to the program; the entrypoint and its arguments follow."""
        given = [f"--conf={name}={value}" for name, value in self.configuration().items()]
        packages = [f"--packages={','.join(self.options.packages)}"] if self.options.packages else []
        return [str(self.home / "bin" / "spark-submit"), *given, *packages, str(DRIVER)]

    def configuration(self) -> dict[str, str]:
        """The configuration of Spark: the platform's, and that of the job."""
        given = dict(self.options.conf)
        extensions = [given.pop(_EXTENSIONS, ""), "io.delta.sql.DeltaSparkSessionExtension"]
        java_options = [f"-Dlog4j2.configurationFile={LOGGING.as_uri()}", given.pop(_JAVA_OPTIONS, "")]
        return {
            "spark.ui.enabled": "false",
            "spark.databricks.delta.snapshotPartitions": "2",  # Delta has 50, for logs of a cluster's tables
            **given,
            "spark.master": f"local[{self.options.cores or '*'}]",
            "spark.driver.memory": self.options.memory,
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": self.events.absolute().as_uri(),
            # By default Spark writes INT96, which other readers take for nanoseconds: years after 2262 do not fit.
            "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
            "spark.sql.warehouse.dir": (self.work / "warehouse").absolute().as_uri(),
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.catalogImplementation": "in-memory",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
            _EXTENSIONS: ",".join(filter(None, extensions)),
            _JAVA_OPTIONS: " ".join(filter(None, java_options)),
            "spark.databricks.delta.commitInfo.userMetadata": self.run,
        }

    def variables(self) -> dict[str, str]:
        """Variables of `spark-submit`. The code runs in the Python of the job, with Spark's own modules on its path."""
        modules = [str(self.home.parent), *filter(None, [self.environ.get("PYTHONPATH")])]
        return {
            "JAVA_HOME": str(self.java),
            "SPARK_HOME": str(self.home),
            "SPARK_LOCAL_DIRS": str(self.work),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": self.python,
            "PYSPARK_DRIVER_PYTHON": self.python,
            **({} if self.options.home else {"PYTHONPATH": os.pathsep.join(modules)}),
        }


def events_folder(folder: Path) -> Path:
    """The folder of a product's event logs, one folder for each run."""
    return folder / "spark" / "events"


def _latest_first(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
