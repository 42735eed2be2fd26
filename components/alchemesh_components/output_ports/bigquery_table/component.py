"""Columnar tables in BigQuery."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_gcp import bigquery

from alchemesh_components.gcp.dataset_access import (
    admit_observer,
    admit_to_dataset,
    dataset_options,
    grant_on_dataset,
)
from alchemesh_components.gcp.labels import labels_of
from alchemesh_components.gcp.names import DATASET, resource_name
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.output_ports.bigquery_table.models import Args
from alchemesh_components.output_ports.bigquery_table.spec import SPEC
from alchemesh_platform.connections import BIGQUERY_SCHEME
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.models import SemanticModel
from alchemesh_platform.systems.bigquery.columns import fields_of
from alchemesh_platform.systems.bigquery.resources import TableSchema

FOR_EVER = 0  # https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TimePartitioning


class BigQueryTables(Component[Args, Settings]):
    """A dataset of the port, with a table for each model. Each table has the name of its model."""

    spec = SPEC
    entries: Sequence[pulumi.Resource] = ()

    def build(self) -> Mapping[str, Any]:
        """One dataset, and a guarded table for each model."""
        self.dataset = self.own_dataset()
        tables = {name: self.table(name, model, self.schema(name, model)) for name, model in self.wiring.models.items()}
        self.entries = admit_observer(self, self.dataset)
        return {
            "kind": "tables",
            "format": "bigquery",
            "tables": {name: _url(table) for name, table in tables.items()},
            "dataset": None,
        }

    def own_dataset(self) -> bigquery.Dataset:
        """The dataset. Access is managed entry by entry, so that manual entries stay."""
        gcp, args = self.settings.gcp, self.args
        key = gcp.encryption_keys.bigquery
        return bigquery.Dataset(
            f"{self.name}-dataset",
            project=gcp.project,
            dataset_id=self.dataset_id,
            location=gcp.dataset_location,
            description=f"Tables of {self.wiring.address}",
            labels=labels_of(gcp, self.wiring),
            default_encryption_configuration=(
                bigquery.DatasetDefaultEncryptionConfigurationArgs(kms_key_name=key) if key else None
            ),
            delete_contents_on_destroy=not args.keep_on_destroy,
            opts=dataset_options(self, kept=args.keep_on_destroy),
        )

    def schema(self, name: str, model: SemanticModel) -> TableSchema:
        """The recorded schema. It rejects a change that the table cannot follow, already in the preview."""
        return TableSchema(
            f"{self.name}-{name}-schema",
            table=f"{self.settings.gcp.project}.{self.dataset_id}.{name}",
            fields=fields_of(model, self.settings.gcp.policy_tags),
            partition_by=self.partition_of(model),
            encryption_key=self.settings.gcp.encryption_keys.bigquery,
            location=self.settings.gcp.dataset_location,
            on_incompatible_change=self.args.on_incompatible_change,
            opts=self.child_options,
        )

    def table(self, name: str, model: SemanticModel, schema: TableSchema) -> bigquery.Table:
        """The table of one model. It is created or changed only after the check of its schema."""
        gcp, args = self.settings.gcp, self.args
        kept = args.keep_on_destroy and args.on_incompatible_change == "refuse"
        key = gcp.encryption_keys.bigquery
        return bigquery.Table(
            f"{self.name}-{name}",
            project=gcp.project,
            dataset_id=self.dataset.dataset_id,
            table_id=name,
            description=model.description or None,
            schema=json.dumps(fields_of(model, gcp.policy_tags)),
            time_partitioning=self.partitioning(model),
            clusterings=[each for each in args.cluster_by if each in model.properties] or None,
            # Set on each table too: if a table has its dataset's key and declares none, the provider re-creates it.
            encryption_configuration=bigquery.TableEncryptionConfigurationArgs(kms_key_name=key) if key else None,
            labels=labels_of(gcp, self.wiring),
            deletion_protection=gcp.deletion_protection and kept,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[schema], retain_on_delete=kept, delete_before_replace=True
            ),
        )

    def partition_of(self, model: SemanticModel) -> str | None:
        """The property that partitions a model's rows, if the model has it."""
        return next((name for name in self.args.partition_by if name in model.properties), None)

    def partitioning(self, model: SemanticModel) -> bigquery.TableTimePartitioningArgs | None:
        """The partitioning by day of that property.

        Permanent rows need an explicit value: without one, the provider keeps an earlier expiration, and rows would
        still expire.
        """
        field = self.partition_of(model)
        if field is None:
            return None
        expiration = self.args.expiration
        return bigquery.TableTimePartitioningArgs(
            type="DAY",
            field=field,
            expiration_ms=round(expiration.total_seconds() * 1000) if expiration else FOR_EVER,
        )

    @property
    def dataset_id(self) -> str:
        """The dataset's id."""
        return resource_name(DATASET, self.settings.gcp, self.wiring)

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Grant the code read and write access to the tables."""
        own = admit_to_dataset(self, self.dataset, identity)
        self.entries = [*self.entries, *own]
        return own

    def grant(self, consumer: Consumer) -> Sequence[pulumi.Resource]:
        """Grant a consumer read access to the tables themselves, for ports without a proxy."""
        return grant_on_dataset(self, self.dataset, self.settings.gcp, consumer, after=self.entries)


def _url(table: bigquery.Table) -> pulumi.Output[str]:
    # Use the table's own outputs, so that resources that use the URL depend on the table.
    return pulumi.Output.concat(BIGQUERY_SCHEME, table.project, "/", table.dataset_id, "/", table.table_id)
