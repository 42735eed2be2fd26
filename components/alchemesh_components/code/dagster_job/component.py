"""A job of Dagster."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi

from alchemesh_components.code.arguments import CodeArgs, RunArgs
from alchemesh_components.code.dagster_job.models import Args
from alchemesh_components.code.dagster_job.spec import SPEC
from alchemesh_components.code.description import describe_job
from alchemesh_components.dagster.settings import Settings
from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.systems.dagster.resources import CodeLocation
from alchemesh_platform.systems.local.resources import Job

ENGINE = "dagster"
ENTRYPOINT_JOB = "code"
ALL_ASSETS = "__ASSET_JOB"  # Dagster's own job of all assets of a location
_IGNORED = frozenset({"venv", "node_modules", "build", "dist", "__pycache__"})


class DagsterJob(Component[Args, Settings]):
    """A code location of Dagster, with a job that runs the code of the product."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """The description of the job, and the code location."""
        job = self.job()
        location = self.location(job)
        token = self.settings.dagster.token
        zone = {} if self.args.schedule is None else {"time_zone": self.args.time_zone}
        return {
            "kind": "job",
            "entrypoint": self.entrypoint,
            "schedule": self.args.schedule,
            **zone,
            "descriptor": job.descriptor if self.args.entrypoint is not None else None,
            "engine": ENGINE,
            "engine_address": location.address,
            "engine_job": f"{self.location_name}/{self.job_name}",
            **({} if token is None else {"engine_login": {"token": token.model_dump()}}),
        }

    @property
    def entrypoint(self) -> str:
        """The plain entrypoint, or the file of the definitions."""
        return self.args.entrypoint or self.args.definitions or ""

    @property
    def job_name(self) -> str:
        """The job that `alchemesh run` starts."""
        return self.args.job or (ALL_ASSETS if self.args.definitions is not None else ENTRYPOINT_JOB)

    @property
    def location_name(self) -> str:
        """The name of the code location: domain and product."""
        return f"{self.wiring.domain}.{self.wiring.product}"

    def job(self) -> Job:
        """The description of the job, which the launcher reads."""
        shared = {name: getattr(self.args, name) for name in RunArgs.model_fields}
        local = self.settings.local
        return describe_job(
            f"{self.name}-job",
            CodeArgs(entrypoint=self.entrypoint, **shared),
            self.wiring,
            run=local.run,
            python=local.python,
            opts=self.child_options,
        )

    def location(self, job: Job) -> CodeLocation:
        """The code location of the product."""
        wiring, args, dagster = self.wiring, self.args, self.settings.dagster
        home = Path(dagster.home) if dagster.home is not None else Path(self.settings.local.run, "dagster")
        place = wiring.place
        return CodeLocation(
            f"{self.name}-location",
            name=self.location_name,
            owner=wiring.address,
            home=str(home.absolute()),
            address=dagster.address,
            token=dagster.token.model_dump() if dagster.token is not None else None,
            workspace=dagster.workspace,
            host=dagster.host,
            python=self.settings.local.python if args.definitions is not None else None,
            working_directory=wiring.product_root,
            definitions=args.definitions,
            source=_digest(Path(wiring.product_root)) if args.definitions is not None else None,
            job=self.job_name,
            entrypoint=self.entrypoint,
            descriptor=job.descriptor,
            schedule=args.schedule,
            time_zone=args.time_zone if args.schedule is not None else None,
            on=list(args.on) or None,
            retries=args.retries or None,
            retry_delay_seconds=int(args.retry_delay.total_seconds()) if args.retries else None,
            connections=pulumi.Output.json_dumps(
                {
                    "product": f"{wiring.domain}/{wiring.product}",
                    "environment": wiring.environment,
                    **wiring.connections,
                },
                sort_keys=True,
            ),
            upstream=dict(wiring.upstream),
            secrets=sorted({value.secret for value in args.env.values() if isinstance(value, SecretRef)}),
            platform_home=place.home if place is not None else None,
            platform_file=place.platform_file if place is not None else None,
            opts=self.child_options,
        )


def _digest(folder: Path) -> str:
    """A digest of the Python files of a folder, so that a change of one loads the definitions again."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).parts
        if not any(part.startswith(".") or part in _IGNORED for part in parts):
            found.update("/".join(parts).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]
