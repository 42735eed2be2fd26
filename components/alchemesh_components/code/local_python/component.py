"""A plain Python job on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alchemesh_components.code.description import describe_job
from alchemesh_components.code.local_python.models import Args
from alchemesh_components.code.local_python.spec import SPEC
from alchemesh_components.local.settings import Settings
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.systems.local.resources import Job


class LocalPython(Component[Args, Settings]):
    """The description of a Python job. `alchemesh run` starts the job with the product's connections."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One job."""
        job = self.job()
        zone = {} if self.args.schedule is None else {"time_zone": self.args.time_zone}
        return {
            "kind": "job",
            "entrypoint": self.args.entrypoint,
            "schedule": self.args.schedule,
            **zone,
            "descriptor": job.descriptor,
        }

    def job(self) -> Job:
        """The job's description."""
        local = self.settings.local
        return describe_job(
            f"{self.name}-job", self.args, self.wiring, run=local.run, python=local.python, opts=self.child_options
        )
