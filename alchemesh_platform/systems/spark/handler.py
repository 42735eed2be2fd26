"""Spark on this machine, as a resource: `up` installs it, so that no run waits for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import with_hint
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.provider.handler import Context, Handler, NotDone
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.provider.paths import AbsolutePath
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.systems.spark.environment import ensure_spark
from alchemesh_platform.systems.spark.java import NoJava, find_java


class SparkInputs(Properties):
    """The declaration of a Spark for the jobs of a product."""

    directory: AbsolutePath = Field(description="Folder of the product's runs, for event logs and work.")
    home: str | None = Field(default=None, description="Folder of Spark; by default the platform installs one.")
    java_home: str | None = Field(default=None, description="Folder of Java; by default one of this machine.")


class SparkOutputs(Properties):
    """The Spark that runs the jobs."""

    spark_home: str = Field(description="Folder of Spark.")


class SparkHandler(Handler[SparkInputs, SparkOutputs]):
    """A Spark of this machine."""

    pulumi_type = "alchemesh:spark:Spark"
    summary = "Spark with Delta on this machine, in an environment of its own."
    inputs = SparkInputs
    outputs = SparkOutputs
    replace_on = frozenset({"directory"})

    def identify(self, inputs: SparkInputs) -> str:
        return str(Path(inputs.directory, "spark"))

    def check(self, inputs: SparkInputs, old_inputs: SparkInputs | None, context: Context) -> Iterator[Refusal]:
        try:
            find_java(inputs.java_home)
        except NoJava as missing:
            yield Refusal("java_home", with_hint(missing.message, missing.hint))
        if inputs.home is not None and not Path(inputs.home, "bin", "spark-submit").is_file():
            yield Refusal("home", f"there is no bin/spark-submit in {inputs.home}")

    def plan(self, inputs: SparkInputs, old: SparkOutputs | None, context: Context) -> Mapping[str, Any]:
        return {}

    def drift(self, inputs: SparkInputs, outputs: SparkOutputs, context: Context) -> Drift | None:
        if Path(outputs.spark_home, "bin", "spark-submit").is_file():
            return None
        return Drift(f"there is no Spark in {outputs.spark_home}: `up` installs it", "spark_home")

    def create(self, inputs: SparkInputs, context: Context) -> SparkOutputs:
        try:
            home = Path(inputs.home) if inputs.home else ensure_spark(java_home=inputs.java_home)
        except Failure as failure:
            raise NotDone(failure.message, hint=failure.hint) from failure
        return SparkOutputs(spark_home=str(home))

    def read(
        self, inputs: SparkInputs, outputs: SparkOutputs, context: Context
    ) -> tuple[SparkInputs, SparkOutputs] | None:
        return inputs, outputs

    def update(
        self, inputs: SparkInputs, old_inputs: SparkInputs, outputs: SparkOutputs, context: Context
    ) -> SparkOutputs:
        return self.create(inputs, context)

    def delete(self, inputs: SparkInputs, outputs: SparkOutputs, context: Context) -> None:
        folder = Path(inputs.directory, "spark")
        with storage_errors(f"remove {folder}"):
            if folder.is_dir():
                shutil.rmtree(folder)
