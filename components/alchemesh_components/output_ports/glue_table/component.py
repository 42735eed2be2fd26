"""Columnar tables of the Glue catalog, as Parquet files in S3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_aws_native import glue

from alchemesh_components.aws.names import DATABASE, resource_name
from alchemesh_components.aws.policies import admit_role, aws_provider
from alchemesh_components.aws.settings import Settings
from alchemesh_components.aws.tables import grant_tables
from alchemesh_components.infrastructure.s3_bucket.component import S3Bucket
from alchemesh_components.infrastructure.s3_bucket.models import Args as BucketArgs
from alchemesh_components.output_ports.glue_table.models import Args
from alchemesh_components.output_ports.glue_table.spec import SPEC
from alchemesh_platform.clouds.aws.columns import columns_of
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.models import SemanticModel

DESCRIPTION_MAX = 2048  # https://docs.aws.amazon.com/glue/latest/webapi/API_TableInput.html
# https://docs.aws.amazon.com/athena/latest/ug/parquet-serde.html
FORMAT = "org.apache.hadoop.hive.ql.io.parquet"


class GlueTables(Component[Args, Settings]):
    """A private bucket, a database of the port, and a table for each model. Each table has the name of its model."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One bucket, one database, and a table for each model."""
        self.provider = aws_provider(self, self.settings.aws)
        self.options = pulumi.ResourceOptions(parent=self, provider=self.provider)
        self.data = self.data_bucket()
        self.database = self.own_database()
        self.tables = {name: self.table(name, model) for name, model in self.wiring.models.items()}
        return {
            "kind": "tables",
            "format": "parquet",
            "tables": {name: self.location(name) for name in self.tables},
            "dataset": None,
        }

    def data_bucket(self) -> S3Bucket:
        """The bucket with a folder of files for each table."""
        args = BucketArgs(old_versions=self.args.old_versions, keep_on_destroy=self.args.keep_on_destroy)
        return S3Bucket(f"{self.name}-data", args, self.settings, self.wiring, self.child_options)

    @property
    def database_name(self) -> str:
        """The database's name."""
        return resource_name(DATABASE, self.settings.aws, self.wiring)

    def location(self, model: str) -> pulumi.Output[str]:
        """The folder with the files of a model."""
        return pulumi.Output.concat("s3://", self.data.address, f"/{model}")

    def own_database(self) -> glue.Database:
        """The database. It holds descriptions only, and is deleted with the port."""
        aws = self.settings.aws
        described: dict[str, Any] = {"name": self.database_name, "description": f"Tables of {self.wiring.address}"}
        if aws.lake_formation:
            # Otherwise Lake Formation gives everybody with rights in IAM access to new tables.
            described["create_table_default_permissions"] = []
        return glue.Database(
            f"{self.name}-database",
            catalog_id=aws.account,
            database_name=self.database_name,
            database_input=described,
            opts=self.options,
        )

    def table(self, name: str, model: SemanticModel) -> glue.Table:
        """The table of one model. A new column appears in place; older files have no value in it.

        Source: https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html
        """
        return glue.Table(
            f"{self.name}-{name}",
            catalog_id=self.settings.aws.account,
            database_name=self.database_name,
            name=name,
            table_input={
                "name": name,
                "description": model.description[:DESCRIPTION_MAX] or f"{name} of {self.wiring.address}",
                "table_type": "EXTERNAL_TABLE",
                "parameters": {"classification": "parquet", "EXTERNAL": "TRUE"},
                "storage_descriptor": {
                    "columns": columns_of(model),
                    "location": pulumi.Output.concat(self.location(name), "/"),
                    "input_format": f"{FORMAT}.MapredParquetInputFormat",
                    "output_format": f"{FORMAT}.MapredParquetOutputFormat",
                    "serde_info": {
                        "serialization_library": f"{FORMAT}.serde.ParquetHiveSerDe",
                        "parameters": {"serialization.format": "1"},
                    },
                },
            },
            opts=pulumi.ResourceOptions.merge(self.options, pulumi.ResourceOptions(depends_on=[self.database])),
        )

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Grant the code read and write access to the files of the tables."""
        return admit_role(self, self.settings.aws, identity, self.data.rights(write=True), self.options)

    def grant(self, consumer: Consumer) -> Sequence[pulumi.Resource]:
        """Grant a consumer read access to the tables and their files, for ports without a proxy."""
        return grant_tables(
            self,
            self.settings.aws,
            consumer,
            self.database_name,
            list(self.tables),
            files=self.data.rights(write=False),
            opts=self.options,
        )
