"""SQL over tables of the Glue catalog, by Athena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import pulumi
from pulumi_aws_native import athena

from alchemesh_components.aws.access import allow
from alchemesh_components.aws.names import DATABASE, WORKGROUP, resource_name
from alchemesh_components.aws.policies import aws_provider
from alchemesh_components.aws.rights import files
from alchemesh_components.aws.settings import Settings
from alchemesh_components.aws.tables import grant_tables
from alchemesh_components.aws.tags import tags_of
from alchemesh_components.output_ports.athena_sql.models import Args
from alchemesh_components.output_ports.athena_sql.spec import SPEC
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer

GIGABYTE = 1000**3
# https://docs.aws.amazon.com/athena/latest/ug/example-policies-workgroup.html
QUERY = (
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:GetQueryResultsStream",
    "athena:ListQueryExecutions",
    "athena:GetWorkGroup",
)


class AthenaSql(Component[Args, Settings]):
    """A workgroup of the port, and one for each consumer. Consumers see neither each other's queries nor results."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """The workgroup of the port, for its team and for probes."""
        self.provider = aws_provider(self, self.settings.aws)
        self.options = pulumi.ResourceOptions(parent=self, provider=self.provider)
        own = self.workgroup(f"{self.name}-workgroup", self.workgroup_name())
        region, name = self.settings.aws.region, self.workgroup_name()
        return {
            "kind": "data-api",
            "sql": own.name.apply(lambda _: f"athena://{region}/{self.database}?workgroup={name}"),
            "rest": None,
            "graphql": None,
            "tables": list(self.wiring.models),
        }

    @property
    def database(self) -> str:
        """The database of the port, which its storage declares."""
        return resource_name(DATABASE, self.settings.aws, self.wiring)

    def workgroup_name(self, *request: str) -> str:
        """The name of a workgroup."""
        return resource_name(WORKGROUP, self.settings.aws, self.wiring, *request)

    def workgroup(self, resource: str, name: str) -> athena.WorkGroup:
        """A workgroup whose limits a query cannot change. Athena itself keeps results for a day, encrypted.

        Source: https://docs.aws.amazon.com/athena/latest/ug/managed-results.html
        """
        gigabytes = self.args.query_gigabytes or self.settings.aws.query_gigabytes_max
        return athena.WorkGroup(
            resource,
            name=name,
            description=f"Queries of {self.wiring.address}",
            recursive_delete_option=True,
            work_group_configuration={
                "enforce_work_group_configuration": True,
                "bytes_scanned_cutoff_per_query": gigabytes * GIGABYTE,
                "publish_cloud_watch_metrics_enabled": True,
                "managed_query_results_configuration": {"enabled": True},
            },
            tags=tags_of(self.settings.aws, self.wiring),
            opts=self.options,
        )

    def grant(self, consumer: Consumer) -> Sequence[pulumi.Resource]:
        """Grant a consumer its own workgroup, and read access to the tables."""
        aws, tables = self.settings.aws, list(self.wiring.models)
        name = self.workgroup_name(consumer.request)
        group = self.workgroup(f"{self.name}-workgroup-{consumer.request}", name)
        granted = grant_tables(
            self,
            aws,
            consumer,
            self.database,
            tables,
            files=list(files(self.bucket, self.key, partition=aws.partition)),
            more=[allow(QUERY, aws.arn("athena", f"workgroup/{name}"))],
            opts=self.options,
        )
        return [group, *granted]

    @property
    def bucket(self) -> pulumi.Output[str]:
        """The bucket with the files of the tables."""
        tables: Any = pulumi.Output.from_input(self.wiring.storage["tables"])
        bucket: pulumi.Output[str] = tables.apply(lambda known: urlsplit(next(iter(known.values()))).netloc)
        return bucket

    @property
    def key(self) -> str | None:
        """The key of the files."""
        return self.settings.aws.encryption_keys.s3
