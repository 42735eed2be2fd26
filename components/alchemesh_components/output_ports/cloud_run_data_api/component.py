"""SQL, REST and GraphQL over a port's tables, on Google Cloud."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pulumi
from pulumi_gcp import bigquery, cloudrunv2, projects, storage

from alchemesh_components.gcp.access import condition_of, member_slug, members_of
from alchemesh_components.gcp.foundations import data_api_image
from alchemesh_components.gcp.labels import labels_of
from alchemesh_components.gcp.names import RUN_SERVICE, resource_name
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.gcp.sql import export
from alchemesh_components.infrastructure.gcs_bucket.component import GcsBucket, lifecycle_rule
from alchemesh_components.infrastructure.gcs_bucket.models import Args as BucketArgs
from alchemesh_components.infrastructure.service_identity.component import ServiceIdentity
from alchemesh_components.infrastructure.service_identity.models import Args as IdentityArgs
from alchemesh_components.output_ports.bigquery_views.component import BigQueryViews
from alchemesh_components.output_ports.bigquery_views.models import Args as ViewsArgs
from alchemesh_components.output_ports.cloud_run_data_api.models import Args
from alchemesh_components.output_ports.cloud_run_data_api.roapi_config import PORT, roapi_config
from alchemesh_components.output_ports.cloud_run_data_api.spec import SPEC
from alchemesh_platform.connections import BIGQUERY_SCHEME
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.models import SemanticModel
from alchemesh_platform.sdk.wiring import Wiring

MOUNTED = "/data"  # the path of the bucket in the server
CONFIG = "roapi.yaml"
# An export writes objects and no folders. Without this option, gcsfuse shows only folders with an object of their own.
# https://cloud.google.com/storage/docs/cloud-storage-fuse/files-and-directories#implicit-dirs
MOUNT_OPTIONS = ("implicit-dirs",)


class ExportBucket(GcsBucket):
    """A bucket that deletes Parquet files that no export overwrites any longer, after a table shrank or was renamed."""

    def __init__(
        self,
        name: str,
        args: BucketArgs,
        settings: Settings,
        wiring: Wiring,
        opts: pulumi.ResourceOptions,
        kept_days: int,
    ) -> None:
        self.kept_days = kept_days
        super().__init__(name, args, settings, wiring, opts)

    def lifecycle_rules(self) -> list[storage.BucketLifecycleRuleArgs]:
        """The rules of every bucket, and the rule for old exports."""
        return [*super().lifecycle_rules(), lifecycle_rule("Delete", age=self.kept_days, matches_suffixes=[".parquet"])]

    def soft_delete_policy(self) -> storage.BucketSoftDeletePolicyArgs:
        """No soft delete: it would retain each export, at a cost, for a week.

        Source: https://cloud.google.com/bigquery/docs/exporting-data#export_limitations
        """
        return storage.BucketSoftDeletePolicyArgs(retention_duration_seconds=0)


class CloudRunDataApi(Component[Args, Settings]):
    """Views for SQL, and a roapi server over an export of the tables for REST and GraphQL.

    roapi does not read BigQuery, so its rows are as old as the last export.
    """

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """Create the resources of each requested protocol."""
        asked = self.wiring.protocols
        self.views = self.sql_views() if "sql" in asked else None
        self.service = self.served_export() if "rest" in asked or "graphql" in asked else None
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

    def served_export(self) -> cloudrunv2.Service:
        """Create an identity, a bucket, the export into it, and the server that reads it."""
        self.identity_of_server = self.server_identity()
        self.exported = self.exported_bucket()
        rights = self.rights()
        self.export(rights)
        return self.server(self.configuration(), rights)

    def server_identity(self) -> ServiceIdentity:
        """The account with which the export writes and the server reads."""
        args = IdentityArgs(description=f"Exports and serves {self.wiring.address}"[:256])
        place = dataclasses.replace(self.wiring, part="api")
        return ServiceIdentity(f"{self.name}-identity", args, self.settings, place, self.child_options)

    def exported_bucket(self) -> ExportBucket:
        """The bucket of the export. It holds a copy that can be re-created."""
        args = BucketArgs(old_versions=timedelta(days=1), keep_on_destroy=False)
        place = dataclasses.replace(self.wiring, part="export")
        kept_days = self.args.refresh.days + 1
        return ExportBucket(f"{self.name}-export", args, self.settings, place, self.child_options, kept_days)

    def rights(self) -> list[pulumi.Resource]:
        """The rights of the account: only to read the tables, run queries, and write into its bucket."""
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
        query = projects.IAMMember(
            f"{self.name}-query",
            project=self.settings.gcp.project,
            role="roles/bigquery.jobUser",
            member=account.member,
            opts=opts,
        )
        write = storage.BucketIAMMember(
            f"{self.name}-write",
            bucket=self.exported.bucket.name,
            role="roles/storage.objectUser",
            member=account.member,
            opts=opts,
        )
        return [read, query, write]

    def export(self, rights: Sequence[pulumi.Resource]) -> bigquery.DataTransferConfig:
        """The query that writes every model's rows as Parquet, now and then repeatedly.

        Source: https://cloud.google.com/bigquery/docs/scheduling-queries
        """
        gcp = self.settings.gcp
        queries = [self.export_of(name, model) for name, model in self.wiring.models.items()]
        return bigquery.DataTransferConfig(
            f"{self.name}-query-schedule",
            project=gcp.project,
            location=gcp.dataset_location,
            display_name=f"Export of {self.wiring.address}",
            data_source_id="scheduled_query",
            schedule=f"every {int(self.args.refresh.total_seconds()) // 60} minutes",
            params={"query": pulumi.Output.all(*queries).apply("\n".join)},
            service_account_name=self.identity_of_server.email,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(rights)),
        )

    def export_of(self, name: str, model: SemanticModel) -> pulumi.Output[str]:
        """The part of the query that writes one model's rows."""
        places = pulumi.Output.all(self.source(name), self.exported.bucket.name)
        return places.apply(lambda known: export(model, ".".join(known[0]), f"gs://{known[1]}/{name}"))

    @property
    def configuration_text(self) -> str:
        """The configuration of the server."""
        return roapi_config(self.wiring.models, MOUNTED)

    def configuration(self) -> storage.BucketObject:
        """The server's configuration, next to the files that it reads."""
        return storage.BucketObject(
            f"{self.name}-config",
            bucket=self.exported.bucket.name,
            name=CONFIG,
            content=self.configuration_text,
            content_type="application/yaml",
            opts=self.child_options,
        )

    def server(self, configuration: storage.BucketObject, rights: Sequence[pulumi.Resource]) -> cloudrunv2.Service:
        """The server.

        Cloud Run checks an identity token before each request, and rejects callers without the right to invoke it.
        """
        gcp = self.settings.gcp
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
            opts=pulumi.ResourceOptions(parent=self, depends_on=[configuration, *rights]),
        )

    def instance(self) -> cloudrunv2.ServiceTemplateArgs:
        """One instance: roapi, with the bucket as a read-only folder."""
        gcp, args = self.settings.gcp, self.args
        digest = hashlib.sha256(self.configuration_text.encode()).hexdigest()
        return cloudrunv2.ServiceTemplateArgs(
            # A changed configuration creates a new revision, which restarts the server and reads it.
            annotations={"alchemesh/configuration": digest[:16]},
            labels=labels_of(gcp, self.wiring),
            service_account=self.identity_of_server.email,
            execution_environment="EXECUTION_ENVIRONMENT_GEN2",  # the generation that can mount buckets
            encryption_key=gcp.encryption_keys.cloud_run,
            scaling=cloudrunv2.ServiceTemplateScalingArgs(min_instance_count=0, max_instance_count=args.instances_max),
            volumes=[
                cloudrunv2.ServiceTemplateVolumeArgs(
                    name="exported",
                    gcs=cloudrunv2.ServiceTemplateVolumeGcsArgs(
                        bucket=self.exported.bucket.name, read_only=True, mount_options=MOUNT_OPTIONS
                    ),
                )
            ],
            containers=[
                cloudrunv2.ServiceTemplateContainerArgs(
                    image=data_api_image(gcp, self.wiring),
                    args=["--config", f"{MOUNTED}/{CONFIG}"],
                    ports=cloudrunv2.ServiceTemplateContainerPortsArgs(container_port=PORT),
                    resources=cloudrunv2.ServiceTemplateContainerResourcesArgs(
                        limits={"cpu": "1", "memory": args.memory}
                    ),
                    volume_mounts=[
                        cloudrunv2.ServiceTemplateContainerVolumeMountArgs(name="exported", mount_path=MOUNTED)
                    ],
                    startup_probe=cloudrunv2.ServiceTemplateContainerStartupProbeArgs(
                        http_get=cloudrunv2.ServiceTemplateContainerStartupProbeHttpGetArgs(path="/health")
                    ),
                )
            ],
        )

    def source(self, name: str) -> pulumi.Output[list[str]]:
        """Project, dataset and table of a model."""
        url = pulumi.Output.from_input(self.wiring.storage["tables"][name])
        return url.apply(lambda known: str(known).removeprefix(BIGQUERY_SCHEME).split("/"))

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
            f"{self.name}-{member_slug(member)}-{consumer.request}",
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
