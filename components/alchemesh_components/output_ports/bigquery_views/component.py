"""SQL over a port's tables, with authorised views of BigQuery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_gcp import bigquery

from alchemesh_components.gcp.dataset_access import dataset_options, grant_on_dataset, grant_to_observer
from alchemesh_components.gcp.labels import labels_of
from alchemesh_components.gcp.names import DATASET, resource_name
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.gcp.sql import select
from alchemesh_components.output_ports.bigquery_views.models import Args
from alchemesh_components.output_ports.bigquery_views.spec import SPEC
from alchemesh_platform.connections import BIGQUERY_SCHEME
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.models import SemanticModel


class BigQueryViews(Component[Args, Settings]):
    """A dataset for consumers, with a view for each model of the port.

    A view reads its table on behalf of consumers.
    """

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One dataset, and a view with the right to its table for each model."""
        self.dataset = self.shown_dataset()
        for name, model in self.wiring.models.items():
            self.authorise(name, self.view(name, model))
        grant_to_observer(self, self.dataset)
        return {
            "kind": "data-api",
            "sql": f"{BIGQUERY_SCHEME}{self.settings.gcp.project}/{self.dataset_id}",
            "rest": None,
            "graphql": None,
            "tables": list(self.wiring.models),
        }

    @property
    def dataset_id(self) -> str:
        """The dataset's id."""
        return resource_name(DATASET, self.settings.gcp, self.wiring, "views")

    def shown_dataset(self) -> bigquery.Dataset:
        """The dataset that consumers can read. It holds views and no rows."""
        gcp = self.settings.gcp
        return bigquery.Dataset(
            f"{self.name}-dataset",
            project=gcp.project,
            dataset_id=self.dataset_id,
            location=gcp.dataset_location,
            description=f"What {self.wiring.address} shows to its consumers",
            labels=labels_of(gcp, self.wiring),
            opts=dataset_options(self, kept=False),
        )

    def view(self, name: str, model: SemanticModel) -> bigquery.Table:
        """A view of one model. It shows only the model's properties, even if the table has other columns."""
        gcp = self.settings.gcp
        source = self.source(name)
        return bigquery.Table(
            f"{self.name}-{name}",
            project=gcp.project,
            dataset_id=self.dataset.dataset_id,
            table_id=name,
            description=model.description or None,
            labels=labels_of(gcp, self.wiring),
            view=bigquery.TableViewArgs(
                query=source.apply(lambda table: select(model, ".".join(table))),
                use_legacy_sql=False,
            ),
            deletion_protection=False,  # it holds no rows
            opts=self.child_options,
        )

    def authorise(self, name: str, view: bigquery.Table) -> bigquery.DatasetAccess:
        """Authorise the view to read its table, so that its consumers need no access to the table.

        Source: https://cloud.google.com/bigquery/docs/authorized-views
        """
        source = self.source(name)
        return bigquery.DatasetAccess(
            f"{self.name}-{name}-authorisation",
            project=source[0],
            dataset_id=source[1],
            view=bigquery.DatasetAccessViewArgs(
                project_id=self.settings.gcp.project, dataset_id=view.dataset_id, table_id=view.table_id
            ),
            opts=self.child_options,
        )

    def source(self, name: str) -> pulumi.Output[list[str]]:
        """Project, dataset and table of a model."""
        url = pulumi.Output.from_input(self.wiring.storage["tables"][name])
        return url.apply(lambda known: str(known).removeprefix(BIGQUERY_SCHEME).split("/"))

    def grant(self, consumer: Consumer) -> Sequence[pulumi.Resource]:
        """Grant a consumer read access to the views. The consumer's own project pays for queries."""
        return grant_on_dataset(self, self.dataset, self.settings.gcp, consumer)
