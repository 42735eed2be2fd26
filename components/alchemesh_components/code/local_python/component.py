"""A plain Python job on this machine."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
        return {
            "kind": "job",
            "entrypoint": self.args.entrypoint,
            "schedule": self.args.schedule,
            "descriptor": job.descriptor,
        }

    def job(self) -> Job:
        """The job's description. The provider checks that its module or script exists."""
        wiring = self.wiring
        return Job(
            f"{self.name}-job",
            directory=str(Path(self.settings.local.run, wiring.domain, wiring.product)),
            owner=wiring.address,
            python=self.settings.local.python or sys.executable,
            working_directory=wiring.product_root,
            entrypoint=self.args.entrypoint,
            env={
                name: value if isinstance(value, str) else value.model_dump() for name, value in self.args.env.items()
            },
            schedule=self.args.schedule,
            timeout_seconds=int(self.args.timeout.total_seconds()),
            opts=self.child_options,
        )
