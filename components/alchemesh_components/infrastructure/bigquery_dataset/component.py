"""A dataset for intermediate tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_gcp import bigquery

from alchemesh_components.gcp.dataset_access import admit_to_dataset, dataset_options
from alchemesh_components.gcp.labels import labels_of
from alchemesh_components.gcp.names import DATASET, resource_name
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.infrastructure.bigquery_dataset.models import Args
from alchemesh_components.infrastructure.bigquery_dataset.spec import SPEC
from alchemesh_platform.connections import BIGQUERY_SCHEME
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component


class BigQueryDataset(Component[Args, Settings]):
    """A dataset in which the product's code can create any table. Tables expire automatically."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One dataset."""
        self.dataset = self.own_dataset()
        address = pulumi.Output.concat(BIGQUERY_SCHEME, self.dataset.project, "/", self.dataset.dataset_id)
        return {"kind": "tables", "format": "bigquery", "tables": {}, "dataset": address}

    def own_dataset(self) -> bigquery.Dataset:
        """The dataset, whose tables expire."""
        gcp, args = self.settings.gcp, self.args
        key = gcp.encryption_keys.bigquery
        return bigquery.Dataset(
            f"{self.name}-dataset",
            project=gcp.project,
            dataset_id=resource_name(DATASET, gcp, self.wiring),
            location=gcp.dataset_location,
            description=f"Tables in between of {self.wiring.address}",
            default_table_expiration_ms=round(args.expiration.total_seconds() * 1000),
            labels=labels_of(gcp, self.wiring),
            default_encryption_configuration=(
                bigquery.DatasetDefaultEncryptionConfigurationArgs(kms_key_name=key) if key else None
            ),
            delete_contents_on_destroy=not args.keep_on_destroy,
            opts=dataset_options(self, kept=args.keep_on_destroy),
        )

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Grant the code the rights to create, read and write tables."""
        return admit_to_dataset(self, self.dataset, identity)
