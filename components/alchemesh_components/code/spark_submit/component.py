"""A job of Spark on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi

from alchemesh_components.code.description import describe_job
from alchemesh_components.code.spark_submit.models import Args
from alchemesh_components.code.spark_submit.spec import SPEC
from alchemesh_components.spark.settings import Settings
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.systems.local.resources import Job
from alchemesh_platform.systems.spark.resources import Spark


class SparkSubmit(Component[Args, Settings]):
    """Spark, and the description of a job. `alchemesh run` and the clock start the job by spark-submit."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """Spark, and one job."""
        job = self.job(self.spark())
        zone = {} if self.args.schedule is None else {"time_zone": self.args.time_zone}
        return {
            "kind": "job",
            "entrypoint": self.args.entrypoint,
            "schedule": self.args.schedule,
            **zone,
            "descriptor": job.descriptor,
            "event_log": str(Path(self.folder, "spark", "events")),
        }

    @property
    def folder(self) -> str:
        """The folder of the product's runs."""
        return str(Path(self.settings.local.run, self.wiring.domain, self.wiring.product))

    def spark(self) -> Spark:
        """The Spark of this machine."""
        spark = self.settings.spark
        return Spark(
            f"{self.name}-spark",
            directory=self.folder,
            home=spark.home,
            java_home=spark.java_home,
            opts=self.child_options,
        )

    def job(self, spark: Spark) -> Job:
        """The job's description. It needs Spark, so that no schedule starts it before Spark is installed."""
        local, given, args = self.settings.local, self.settings.spark, self.args
        options = {
            "home": given.home,
            "java_home": given.java_home,
            "cores": given.cores,
            "memory": args.memory,
            "conf": {**given.conf, **args.conf},
            "packages": list(args.packages),
        }
        return describe_job(
            f"{self.name}-job",
            args,
            self.wiring,
            run=local.run,
            python=local.python,
            options={name: value for name, value in options.items() if value},
            opts=pulumi.ResourceOptions.merge(self.child_options, pulumi.ResourceOptions(depends_on=[spark])),
        )
