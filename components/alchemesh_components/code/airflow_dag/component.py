"""Code that Apache Airflow runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alchemesh_components.airflow.settings import Settings
from alchemesh_components.code.airflow_dag.models import Args
from alchemesh_components.code.airflow_dag.spec import SPEC
from alchemesh_components.code.arguments import CodeArgs
from alchemesh_components.code.description import describe_job
from alchemesh_components.code.platform_secrets import platform_secrets
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.wiring import Wiring
from alchemesh_platform.systems.airflow.resources import Dag
from alchemesh_platform.systems.local.resources import Job

PARTS = ("inputs", "outputs", "infrastructure")


class AirflowDag(Component[Args, Settings]):
    """A DAG in the folder that Airflow reads. A generated DAG starts the launcher with the description of the job."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """The description of an entrypoint, and the DAG."""
        job = self.job() if self.args.entrypoint is not None else None
        dag = self.dag(job)
        login = self.settings.airflow.login(self.settings.local.run)
        zone = {} if self.args.schedule is None else {"time_zone": self.args.time_zone}
        return {
            "kind": "job",
            "entrypoint": self.args.entrypoint or self.args.dag,
            "schedule": self.args.schedule,
            **zone,
            "descriptor": job.descriptor if job is not None else None,
            "engine": "airflow",
            "engine_address": dag.address,
            "engine_job": self.dag_id,
            "engine_login": {name: value for name, value in login.items() if name != "address"},
        }

    @property
    def dag_id(self) -> str:
        """The id of the DAG that a run starts."""
        return self.args.dag_id or f"{self.wiring.domain}__{self.wiring.product}"

    def job(self) -> Job:
        """The job's description, which the launcher reads."""
        local, given = self.settings.local, self.args.model_dump(exclude={"dag", "dag_id"}, exclude_unset=True)
        args = CodeArgs.model_validate(given)
        return describe_job(
            f"{self.name}-job", args, self.wiring, run=local.run, python=local.python, opts=self.child_options
        )

    def dag(self, job: Job | None) -> Dag:
        """The DAG: the team's file as it is, or a generated one."""
        args, airflow, run = self.args, self.settings.airflow, self.settings.local.run
        generated: dict[str, Any] = {
            "schedule": args.schedule,
            "time_zone": args.time_zone,
            "catch_up": args.catch_up,
            "retries": args.retries,
            "retry_delay_seconds": int(args.retry_delay.total_seconds()),
            "timeout_seconds": max(1, int(args.timeout.total_seconds())),
            "on": [self.wiring.upstream[name] for name in args.on],
            "outlets": [
                f"{self.wiring.domain}/{self.wiring.product}/{port}"
                for port in self.wiring.connections.get("outputs", {})
            ],
        }
        text = Path(self.wiring.product_root, args.dag).read_text(encoding="utf-8") if args.dag is not None else None
        return Dag(
            f"{self.name}-dag",
            server=airflow.login(run),
            dags=airflow.folder_of_dags(run),
            dag_id=self.dag_id,
            owner=self.wiring.address,
            definition=text,
            descriptor=job.descriptor if job is not None else None,
            connections=connections_of(self.wiring),
            env={key: value if isinstance(value, str) else value.model_dump() for key, value in args.env.items()},
            platform_secrets=sorted(platform_secrets(self.wiring)),
            opts=self.child_options,
            **(generated if job is not None else {}),
        )


def connections_of(wiring: Wiring) -> dict[str, Any]:
    """The connection of each port and need, by its name: those ids have connections in Airflow."""
    found = {part: wiring.connections.get(part, {}) for part in PARTS}
    return {name: connection for part in reversed(PARTS) for name, connection in found[part].items()}
