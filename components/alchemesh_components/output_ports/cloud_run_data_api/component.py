"""SQL, REST and GraphQL over a port's tables, on Google Cloud."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_gcp import bigquery, cloudrunv2, projects

from alchemesh_components.cloud_names import member_name
from alchemesh_components.gcp.access import condition_of, members_of
from alchemesh_components.gcp.foundations import data_api_image, former_image, observer_of
from alchemesh_components.gcp.labels import labels_of
from alchemesh_components.gcp.names import RUN_SERVICE, resource_name
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.infrastructure.service_identity.component import ServiceIdentity
from alchemesh_components.infrastructure.service_identity.models import Args as IdentityArgs
from alchemesh_components.output_ports.bigquery_views.component import BigQueryViews
from alchemesh_components.output_ports.bigquery_views.models import Args as ViewsArgs
from alchemesh_components.output_ports.cloud_run_data_api.described import described
from alchemesh_components.output_ports.cloud_run_data_api.models import Args
from alchemesh_components.output_ports.cloud_run_data_api.spec import SPEC
from alchemesh_platform.base.remedy import command
from alchemesh_platform.clouds.gcp.data_api.configuration import READY_PATH, VARIABLE
from alchemesh_platform.connections import BIGQUERY_SCHEME
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer

PORT = 8080  # https://cloud.google.com/run/docs/container-contract#port
# https://cloud.google.com/run/docs/configuring/healthchecks: a startup probe tries for at most 240 s
STARTUP_SECONDS, PROBE_PERIOD_SECONDS = 240, 5


class CloudRunDataApi(Component[Args, Settings]):
    """Views for SQL, and a server of REST and GraphQL, whose instances hold a copy of the tables."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """Create the resources of each requested protocol."""
        asked = self.wiring.protocols
        self.views = self.sql_views() if "sql" in asked else None
        self.service = self.served_tables() if "rest" in asked or "graphql" in asked else None
        self.admit_observer()
        uri = self.service.uri if self.service else None
        return {
            "kind": "data-api",
            "sql": self.views.outputs["sql"] if self.views else None,
            "rest": uri.apply("{}/api".format) if uri and "rest" in asked else None,
            "graphql": uri.apply("{}/api/graphql".format) if uri and "graphql" in asked else None,
            "tables": list(self.wiring.models),
        }

    def sql_views(self) -> BigQueryViews:
        """SQL, with the component bigquery-views."""
        return BigQueryViews(f"{self.name}-views", ViewsArgs(), self.settings, self.wiring, self.child_options)

    def served_tables(self) -> cloudrunv2.Service:
        """Create an identity with the rights to read, and the server."""
        self.identity_of_server = self.server_identity()
        return self.server(self.rights())

    def server_identity(self) -> ServiceIdentity:
        """The account with which the server reads."""
        args = IdentityArgs(description=f"Serves {self.wiring.address}"[:256])
        place = dataclasses.replace(self.wiring, part="api")
        return ServiceIdentity(f"{self.name}-identity", args, self.settings, place, self.child_options)

    def rights(self) -> list[pulumi.Resource]:
        """The rights of the account: only to read the tables, and to begin reading in the project."""
        account, opts = self.identity_of_server, self.child_options
        table = self.source(next(iter(self.wiring.models)))  # the port's single dataset holds all of them
        read = bigquery.DatasetAccess(
            f"{self.name}-read",
            project=table[0],
            dataset_id=table[1],
            role="READER",
            user_by_email=account.email,
            opts=opts,
        )
        session = projects.IAMMember(
            f"{self.name}-sessions",
            project=self.settings.gcp.project,
            role="roles/bigquery.readSessionUser",
            member=account.member,
            opts=opts,
        )
        return [read, session]

    def configuration(self) -> pulumi.Output[str]:
        """The configuration of the server."""
        places = pulumi.Output.all(*(self.source(name) for name in self.wiring.models))
        return places.apply(lambda known: described(self.args, self.wiring, [".".join(each) for each in known]))

    def server(self, rights: Sequence[pulumi.Resource]) -> cloudrunv2.Service:
        """The server.

        Cloud Run checks an identity token before each request, and rejects callers without the right to invoke it.
        """
        gcp = self.settings.gcp
        if (former := former_image(gcp, self.wiring)) is not None:
            pulumi.log.warn(
                f"{former} is an image of roapi, which no longer serves REST and GraphQL: the server runs "
                f"{data_api_image(gcp, self.wiring)}. Remove settings.gcp.data_api_image, or run "
                f"{command('platform', 'up')}, which replaces the image of the platform",
                resource=self,
            )
        return cloudrunv2.Service(
            f"{self.name}-server",
            project=gcp.project,
            location=gcp.region,
            name=resource_name(RUN_SERVICE, gcp, self.wiring),
            description=f"REST and GraphQL of {self.wiring.address}",
            labels=labels_of(gcp, self.wiring),
            ingress="INGRESS_TRAFFIC_ALL",
            invoker_iam_disabled=False,
            deletion_protection=False,  # it holds no rows
            template=self.instance(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(rights)),
        )

    def instance(self) -> cloudrunv2.ServiceTemplateArgs:
        """One instance: the data API, with a copy of the tables in its memory."""
        gcp, args = self.settings.gcp, self.args
        return cloudrunv2.ServiceTemplateArgs(
            labels=labels_of(gcp, self.wiring),
            service_account=self.identity_of_server.email,
            execution_environment="EXECUTION_ENVIRONMENT_GEN2",  # a whole Linux, which PostgreSQL needs
            encryption_key=gcp.encryption_keys.cloud_run,
            scaling=cloudrunv2.ServiceTemplateScalingArgs(min_instance_count=0, max_instance_count=args.instances_max),
            containers=[
                cloudrunv2.ServiceTemplateContainerArgs(
                    image=data_api_image(gcp, self.wiring),
                    envs=[cloudrunv2.ServiceTemplateContainerEnvArgs(name=VARIABLE, value=self.configuration())],
                    ports=cloudrunv2.ServiceTemplateContainerPortsArgs(container_port=PORT),
                    resources=cloudrunv2.ServiceTemplateContainerResourcesArgs(
                        limits={"cpu": "1", "memory": args.memory},
                        cpu_idle=False,  # it follows changed tables between requests
                        startup_cpu_boost=True,
                    ),
                    startup_probe=cloudrunv2.ServiceTemplateContainerStartupProbeArgs(
                        http_get=cloudrunv2.ServiceTemplateContainerStartupProbeHttpGetArgs(path=READY_PATH),
                        period_seconds=PROBE_PERIOD_SECONDS,
                        timeout_seconds=PROBE_PERIOD_SECONDS - 1,
                        failure_threshold=STARTUP_SECONDS // PROBE_PERIOD_SECONDS,
                    ),
                )
            ],
        )

    def source(self, name: str) -> pulumi.Output[list[str]]:
        """Project, dataset and table of a model."""
        url = pulumi.Output.from_input(self.wiring.storage["tables"][name])
        return url.apply(lambda known: str(known).removeprefix(BIGQUERY_SCHEME).split("/"))

    def admit_observer(self) -> None:
        """Grant the job that observes all products the right to invoke the server, if the platform's stack has one."""
        account = observer_of(self.wiring)
        if account is not None and self.service is not None:
            cloudrunv2.ServiceIamMember(
                f"{self.name}-observer",
                project=self.service.project,
                location=self.service.location,
                name=self.service.name,
                role="roles/run.invoker",
                member=f"serviceAccount:{account}",
                opts=self.child_options,
            )

    def grant(self, consumer: Consumer) -> Sequence[pulumi.Resource]:
        """Grant a consumer access to each offered protocol."""
        queries = self.views.grant(consumer) if self.views else ()
        return [*queries, *(self.invoker(member, consumer) for member in self.invokers(consumer))]

    def invokers(self, consumer: Consumer) -> list[str]:
        """The members that can invoke the server."""
        return members_of(consumer, self.settings.gcp, self.wiring.environment) if self.service else []

    def invoker(self, member: str, consumer: Consumer) -> cloudrunv2.ServiceIamMember:
        """One member's right to invoke the server, until its access expires."""
        if self.service is None:
            raise LookupError(f"{self.name} has no server to let {member} in at")
        condition = condition_of(consumer)
        return cloudrunv2.ServiceIamMember(
            f"{self.name}-{member_name(member)}-{consumer.request}",
            project=self.service.project,
            location=self.service.location,
            name=self.service.name,
            role="roles/run.invoker",
            member=member,
            condition=cloudrunv2.ServiceIamMemberConditionArgs(
                title=condition.title, description=condition.description, expression=condition.expression
            ),
            opts=self.child_options,
        )
