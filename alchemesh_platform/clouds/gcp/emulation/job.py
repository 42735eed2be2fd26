"""Runs jobs of Cloud Run on this machine, with the settings of their template and without its container."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.clouds.gcp.emulation.services.cloudrun import RUN_JOB
from alchemesh_platform.clouds.gcp.emulation.store import Store
from alchemesh_platform.sdk.code.description import JobDescription
from alchemesh_platform.sdk.code.run import CodeRun
from alchemesh_platform.sdk.connections.job import JobConnection
from alchemesh_platform.sdk.connections.ports import CONNECTIONS_VARIABLE, Connections
from alchemesh_platform.systems.local.jobs.job import run_job

# The variables that `alchemesh run` sets for the code: the connections in a file, as on the local platform.
_GIVEN_HERE = (CONNECTIONS_VARIABLE, "PYTHONUNBUFFERED")


class JobGone(Failure):
    """Raised when the emulated cloud has no such job."""


@dataclass(frozen=True, slots=True)
class JobRunner:
    """Runs a product's jobs in the folder of its repo, which holds the code of the image.

    Args:
        store: The emulated cloud.
        folder: The repo.
    """

    store: Store
    folder: Path

    def __call__(
        self,
        job: JobConnection,
        connections: Connections,
        arguments: tuple[str, ...],
        on_output: Callable[[str], None],
        *,
        environ: Mapping[str, str],
        variables: Mapping[str, str] | None = None,
        cancelled: threading.Event | None = None,
    ) -> CodeRun:
        """Run the job once with the variables and the time limit of its template.

        Raises:
            JobGone: when the job was removed.
            JobFailed: when its code is not in the folder.
            SecretMissing: when the variable of a secret in the template is not set in ``environ``.
        """
        described = self._described(job, connections.product)
        return run_job(
            described, connections, arguments, on_output, environ=environ, variables=variables, cancelled=cancelled
        )

    def _described(self, job: JobConnection, product: str) -> JobDescription:
        kept = self.store.get(RUN_JOB, job.descriptor or "")
        if kept is None:
            raise JobGone(
                f"the emulated cloud has no job {job.descriptor}",
                hint=remedy("{}, then {}", command("refresh"), command("up")),
            )
        task = kept.inputs["template"]["template"]
        return JobDescription(
            owner=product,
            python=sys.executable,
            working_directory=str(self.folder.resolve()),
            entrypoint=job.entrypoint,
            env=dict(_variables(task["containers"][0])),
            timeout_seconds=float(str(task["timeout"]).removesuffix("s")),
        )


def _variables(container: Mapping[str, Any]) -> Iterator[tuple[str, str | SecretRef]]:
    """Variables of a container. Values of Secret Manager are not emulated, so a secret is read from its variable."""
    for variable in container.get("envs", ()):
        name = variable["name"]
        if name not in _GIVEN_HERE:
            yield name, SecretRef(secret=name) if "valueSource" in variable else variable["value"]
