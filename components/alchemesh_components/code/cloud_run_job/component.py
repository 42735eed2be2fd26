"""A Python job on Cloud Run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_gcp import cloudrunv2, cloudscheduler, projects, secretmanager

from alchemesh_components.code.cloud_run_job.models import Args, need_of
from alchemesh_components.code.cloud_run_job.spec import SPEC
from alchemesh_components.gcp.foundations import image_repository
from alchemesh_components.gcp.labels import labels_of
from alchemesh_components.gcp.names import RUN_JOB, SCHEDULER_JOB, SECRET, product_resource_name, resource_name
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.infrastructure.service_identity.component import ServiceIdentity
from alchemesh_components.infrastructure.service_identity.models import Args as IdentityArgs
from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.clouds.gcp.identities import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.connections import CONNECTIONS_VARIABLE
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.systems.local.jobs.entrypoint import interpreter_arguments


class CloudRunJob(Component[Args, Settings]):
    """The product's code as a job with access to its ports and needs, and a scheduler that starts it."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """Create the identity, its rights beyond its ports, the job, and its schedule."""
        self.account = self.service_identity()
        rights = [*self.query_right(), *self.secret_rights()]
        self.job = self.run_job(rights)
        if self.args.schedule is not None:
            self.clock(self.args.schedule, self.start_right())
        return {
            "kind": "job",
            "entrypoint": self.args.entrypoint,
            "schedule": self.args.schedule,
            **({} if self.args.schedule is None else {"time_zone": self.args.time_zone}),
            "descriptor": self.job.id,
        }

    @property
    def identity(self) -> CodeIdentity:
        """The job's service account. It can read the secrets of its environment before the job exists."""
        read = frozenset(need_of(value) for value in self.args.env.values() if isinstance(value, SecretRef))
        return CodeIdentity(GOOGLE_SERVICE_ACCOUNT, self.account.email, read)

    def service_identity(self) -> ServiceIdentity:
        """The account that the code runs as. Other products grant this product access through it."""
        args = IdentityArgs(description=f"Runs the code of {self.wiring.domain}/{self.wiring.product}"[:256])
        return ServiceIdentity(f"{self.name}-identity", args, self.settings, self.wiring, self.child_options)

    def query_right(self) -> list[pulumi.Resource]:
        """The right to run queries, which applies to the project, not to a table.

        Only code with tables in BigQuery receives it.
        """
        if not _reaches_bigquery(self.wiring.connections):
            return []
        return [
            projects.IAMMember(
                f"{self.name}-query",
                project=self.settings.gcp.project,
                role="roles/bigquery.jobUser",
                member=self.account.member,
                opts=self.child_options,
            )
        ]

    def secrets(self) -> dict[str, str]:
        """The name of the need that holds each secret, by variable."""
        return {name: need_of(value) for name, value in self.args.env.items() if isinstance(value, SecretRef)}

    def secret_id(self, need: str) -> pulumi.Output[str]:
        """The id of a need's secret. It depends on the secret if the need belongs to this product."""
        place = self.wiring
        known = product_resource_name(SECRET, self.settings.gcp, place.environment, place.domain, place.product, need)
        given = place.connections.get("infrastructure", {}).get(need)
        name = pulumi.Output.from_input(given["storage"]["name"] if given is not None else known)
        return name.apply(lambda it: str(it).rpartition("/")[2])

    def secret_rights(self) -> list[pulumi.Resource]:
        """The right of the account to read each secret that its environment names."""
        return [
            secretmanager.SecretIamMember(
                f"{self.name}-{need}",
                project=self.settings.gcp.project,
                secret_id=self.secret_id(need),
                role="roles/secretmanager.secretAccessor",
                member=self.account.member,
                opts=self.child_options,
            )
            for need in dict.fromkeys(self.secrets().values())
        ]

    def run_job(self, rights: Sequence[pulumi.Resource]) -> cloudrunv2.Job:
        """The job, which runs one task at a time, like a run on a laptop."""
        gcp = self.settings.gcp
        return cloudrunv2.Job(
            f"{self.name}-job",
            project=gcp.project,
            location=gcp.region,
            name=resource_name(RUN_JOB, gcp, self.wiring),
            labels=labels_of(gcp, self.wiring),
            deletion_protection=False,  # it holds no rows
            template=cloudrunv2.JobTemplateArgs(
                labels=labels_of(gcp, self.wiring), task_count=1, parallelism=1, template=self.task()
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(rights)),
        )

    def task(self) -> cloudrunv2.JobTemplateTemplateArgs:
        """The task of one run: its container, time limit and resources."""
        args = self.args
        return cloudrunv2.JobTemplateTemplateArgs(
            service_account=self.account.email,
            timeout=f"{int(args.timeout.total_seconds())}s",
            max_retries=args.retries,
            encryption_key=self.settings.gcp.encryption_keys.cloud_run,
            containers=[
                cloudrunv2.JobTemplateTemplateContainerArgs(
                    image=self.image,
                    commands=["python"],
                    args=interpreter_arguments(args.entrypoint),
                    envs=self.environment(),
                    resources=cloudrunv2.JobTemplateTemplateContainerResourcesArgs(
                        limits={"cpu": args.cpu, "memory": args.memory}
                    ),
                )
            ],
        )

    @property
    def image(self) -> str:
        """The image with the product's code: the given one, or the product's own image of this version."""
        place = self.wiring
        repository = image_repository(self.settings.gcp, place)
        return self.args.image or f"{repository}/{place.domain}/{place.product}:{place.product_version}"

    def environment(self) -> list[cloudrunv2.JobTemplateTemplateContainerEnvArgs]:
        """The team's variables, secrets by reference, and the connections, in the form of `alchemesh run`."""
        plain = {name: value for name, value in self.args.env.items() if isinstance(value, str)}
        own: dict[str, pulumi.Input[str]] = {
            "PYTHONUNBUFFERED": "1",
            CONNECTIONS_VARIABLE: self.connections_document(),
        }
        variables = {**plain, **own}
        return [
            *(
                cloudrunv2.JobTemplateTemplateContainerEnvArgs(name=name, value=value)
                for name, value in variables.items()
            ),
            *(_secret_variable(name, self.secret_id(need)) for name, need in self.secrets().items()),
        ]

    def connections_document(self) -> pulumi.Output[str]:
        """The connections of all ports and needs, as the JSON document that the code reads."""
        place = self.wiring
        document = {
            "product": f"{place.domain}/{place.product}",
            "environment": place.environment,
            **place.connections,
        }
        # Sort the keys, since a refreshed resource has its keys in another order than its inputs.
        return pulumi.Output.json_dumps(document, sort_keys=True)

    def start_right(self) -> cloudrunv2.JobIamMember:
        """The right to start this job only, for the job's own account. The scheduler starts the job with it."""
        return cloudrunv2.JobIamMember(
            f"{self.name}-start",
            project=self.job.project,
            location=self.job.location,
            name=self.job.name,
            role="roles/run.invoker",
            member=self.account.member,
            opts=self.child_options,
        )

    def clock(self, schedule: str, right: pulumi.Resource) -> cloudscheduler.Job:
        """The scheduler of the job.

        Source: https://cloud.google.com/run/docs/execute/jobs-on-schedule
        """
        gcp = self.settings.gcp
        address = f"projects/{gcp.project}/locations/{gcp.region}/jobs"
        return cloudscheduler.Job(
            f"{self.name}-schedule",
            project=gcp.project,
            region=gcp.region,
            name=resource_name(SCHEDULER_JOB, gcp, self.wiring),
            description=f"Starts the code of {self.wiring.domain}/{self.wiring.product}",
            schedule=schedule,
            time_zone="Etc/UTC" if self.args.time_zone == "UTC" else self.args.time_zone,
            http_target=cloudscheduler.JobHttpTargetArgs(
                http_method="POST",
                uri=self.job.name.apply(lambda name: f"https://run.googleapis.com/v2/{address}/{name}:run"),
                oauth_token=cloudscheduler.JobHttpTargetOauthTokenArgs(
                    service_account_email=self.account.email,
                    scope="https://www.googleapis.com/auth/cloud-platform",
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[right]),
        )


def _secret_variable(name: str, secret: pulumi.Output[str]) -> cloudrunv2.JobTemplateTemplateContainerEnvArgs:
    return cloudrunv2.JobTemplateTemplateContainerEnvArgs(
        name=name,
        value_source=cloudrunv2.JobTemplateTemplateContainerEnvValueSourceArgs(
            secret_key_ref=cloudrunv2.JobTemplateTemplateContainerEnvValueSourceSecretKeyRefArgs(
                secret=secret, version="latest"
            )
        ),
    )


def _reaches_bigquery(connections: Mapping[str, Any]) -> bool:
    """Whether a port or need has tables in BigQuery. The connection of another product is unknown until it is read."""
    for ports in connections.values():
        for given in ports.values():
            storage = given.get("storage")
            if isinstance(storage, pulumi.Output) or (storage and storage.get("format") == "bigquery"):
                return True
    return False
