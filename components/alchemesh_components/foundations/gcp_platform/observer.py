"""The job that observes all products of an environment: its account, its rights, and its schedule."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pulumi
from pulumi_gcp import cloudrunv2, cloudscheduler, projects, secretmanager

from alchemesh_components.gcp.labels import labels_of
from alchemesh_components.gcp.names import RUN_JOB, SCHEDULER_JOB, resource_name
from alchemesh_components.infrastructure.service_identity.component import ServiceIdentity
from alchemesh_components.infrastructure.service_identity.models import Args as IdentityArgs

if TYPE_CHECKING:
    from alchemesh_components.foundations.gcp_platform.component import GcpPlatform
    from alchemesh_components.gcp.settings import ObserveJob

MODULE = "alchemesh_platform.app.probing.supervised"
HOME = "/tmp/alchemesh"  # noqa: S108 - a container has a file system of its own
TIMEOUT = "1800s"
PART = "observer"


class Observer:
    """The job with everything that it needs. Ports grant its account the rights of a consumer.

    Args:
        platform: The component that it belongs to.
        wanted: The settings.
        services: Google's services, which have to be enabled before.
    """

    def __init__(self, platform: GcpPlatform, wanted: ObserveJob, services: Sequence[pulumi.Resource]) -> None:
        self.platform, self.wanted, self.services = platform, wanted, list(services)
        self.gcp = platform.settings.gcp
        self.place = dataclasses.replace(platform.wiring, part=PART)
        self.opts = pulumi.ResourceOptions(parent=platform, depends_on=self.services)
        self.account = self.identity()
        self.job = self.run_job([self.query_right(), *self.history_rights(), *self.secret_rights()])
        self.clock(self.start_right())

    def identity(self) -> ServiceIdentity:
        """The account of the job, which is the credential of its probes."""
        args = IdentityArgs(description=f"Observes the products of {self.place.environment}"[:256])
        name = f"{self.platform.name}-{PART}"
        return ServiceIdentity(name, args, self.platform.settings, self.place, self.opts)

    def query_right(self) -> pulumi.Resource:
        """The right to run queries in the project. Each port grants the right to read its tables."""
        right: pulumi.Resource = projects.IAMMember(
            f"{self.platform.name}-{PART}-query",
            project=self.gcp.project,
            role="roles/bigquery.jobUser",
            member=self.account.member,
            opts=self.opts,
        )
        return right

    def history_rights(self) -> list[pulumi.Resource]:
        """The right to see all jobs of the project, if usage is counted from them. An organization grants its own.

        Source: https://cloud.google.com/bigquery/docs/information-schema-jobs#required_role
        """
        if self.gcp.job_history != "project":
            return []
        return [
            projects.IAMMember(
                f"{self.platform.name}-{PART}-history",
                project=self.gcp.project,
                role="roles/bigquery.resourceViewer",
                member=self.account.member,
                opts=self.opts,
            )
        ]

    def secret_rights(self) -> list[pulumi.Resource]:
        """The right to read each secret of its variables."""
        return [
            secretmanager.SecretIamMember(
                f"{self.platform.name}-{PART}-{secret}",
                project=self.gcp.project,
                secret_id=secret,
                role="roles/secretmanager.secretAccessor",
                member=self.account.member,
                opts=self.opts,
            )
            for secret in dict.fromkeys(self.wanted.secrets.values())
        ]

    def run_job(self, rights: Sequence[pulumi.Resource]) -> cloudrunv2.Job:
        """The job: one look at all products. Two looks at once would double the cost, and no observation."""
        labels = labels_of(self.gcp, self.place)
        return cloudrunv2.Job(
            f"{self.platform.name}-{PART}-job",
            project=self.gcp.project,
            location=self.gcp.region,
            name=resource_name(RUN_JOB, self.gcp, self.place),
            labels=labels,
            deletion_protection=False,  # it holds no rows
            template=cloudrunv2.JobTemplateArgs(labels=labels, task_count=1, parallelism=1, template=self.task()),
            opts=pulumi.ResourceOptions(parent=self.platform, depends_on=list(rights)),
        )

    def task(self) -> cloudrunv2.JobTemplateTemplateArgs:
        """Its container. A failed look is not repeated: the next one is due soon."""
        wanted = self.wanted
        return cloudrunv2.JobTemplateTemplateArgs(
            service_account=self.account.email,
            timeout=TIMEOUT,
            max_retries=0,
            encryption_key=self.gcp.encryption_keys.cloud_run,
            containers=[
                cloudrunv2.JobTemplateTemplateContainerArgs(
                    image=wanted.image,
                    commands=["python"],
                    args=["-m", MODULE, HOME, self.place.environment, wanted.platform_file, "--once"],
                    envs=[
                        cloudrunv2.JobTemplateTemplateContainerEnvArgs(name="PYTHONUNBUFFERED", value="1"),
                        *(_secret(variable, secret) for variable, secret in wanted.secrets.items()),
                    ],
                    resources=cloudrunv2.JobTemplateTemplateContainerResourcesArgs(
                        limits={"cpu": "1", "memory": "2Gi"}
                    ),
                )
            ],
        )

    def start_right(self) -> cloudrunv2.JobIamMember:
        """The right to start this job only, for its own account. The scheduler starts it with that."""
        return cloudrunv2.JobIamMember(
            f"{self.platform.name}-{PART}-start",
            project=self.job.project,
            location=self.job.location,
            name=self.job.name,
            role="roles/run.invoker",
            member=self.account.member,
            opts=self.platform.child_options,
        )

    def clock(self, right: pulumi.Resource) -> cloudscheduler.Job:
        """The scheduler of the job.

        Source: https://cloud.google.com/run/docs/execute/jobs-on-schedule
        """
        address = f"projects/{self.gcp.project}/locations/{self.gcp.region}/jobs"
        return cloudscheduler.Job(
            f"{self.platform.name}-{PART}-schedule",
            project=self.gcp.project,
            region=self.gcp.region,
            name=resource_name(SCHEDULER_JOB, self.gcp, self.place),
            description=f"Observes the products of {self.place.environment}",
            schedule=self.wanted.schedule,
            time_zone="Etc/UTC",
            http_target=cloudscheduler.JobHttpTargetArgs(
                http_method="POST",
                uri=self.job.name.apply(lambda name: f"https://run.googleapis.com/v2/{address}/{name}:run"),
                oauth_token=cloudscheduler.JobHttpTargetOauthTokenArgs(
                    service_account_email=self.account.email,
                    scope="https://www.googleapis.com/auth/cloud-platform",
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self.platform, depends_on=[right]),
        )


def _secret(variable: str, secret: str) -> cloudrunv2.JobTemplateTemplateContainerEnvArgs:
    return cloudrunv2.JobTemplateTemplateContainerEnvArgs(
        name=variable,
        value_source=cloudrunv2.JobTemplateTemplateContainerEnvValueSourceArgs(
            secret_key_ref=cloudrunv2.JobTemplateTemplateContainerEnvValueSourceSecretKeyRefArgs(
                secret=secret, version="latest"
            )
        ),
    )
