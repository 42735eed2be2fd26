"""Catalogue entry of bigquery-dataset."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import FOUNDATIONS, ComponentSpec, Role

SPEC = ComponentSpec(
    name="bigquery-dataset",
    component_type="intermediate-dataset",
    roles=(Role.INFRASTRUCTURE,),
    summary="A BigQuery dataset for intermediate tables, which expire after a time.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    component="alchemesh_components.infrastructure.bigquery_dataset.component:BigQueryDataset",
    args="alchemesh_components.infrastructure.bigquery_dataset.models:Args",
    settings="alchemesh_components.gcp.settings:Settings",
    outputs="alchemesh_platform.connections:TablesConnection",
    check="alchemesh_components.infrastructure.bigquery_dataset.check:check",
    holds="alchemesh_components.infrastructure.bigquery_dataset.holds:holds",
    depends_on=FOUNDATIONS,
    plugins=("gcp",),
    permissions=permissions_for(
        "gcp:bigquery/dataset",
        "gcp:bigquery/datasetAccess",
    ),
)
