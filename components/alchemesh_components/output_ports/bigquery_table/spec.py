"""Catalogue entry of bigquery-table."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.clouds.gcp.identities import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.sdk.spec import FOUNDATIONS, ComponentSpec, Role

SPEC = ComponentSpec(
    name="bigquery-table",
    component_type="columnar-table",
    roles=(Role.STORAGE,),
    summary="A BigQuery table for each model, in a dataset of the port; each table follows its model in place.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    component="alchemesh_components.output_ports.bigquery_table.component:BigQueryTables",
    args="alchemesh_components.output_ports.bigquery_table.models:Args",
    settings="alchemesh_components.gcp.settings:Settings",
    outputs="alchemesh_platform.connections:TablesConnection",
    provides="bigquery-tables",
    observe="alchemesh_components.output_ports.bigquery_table.observe:observe",
    measure="alchemesh_platform.clouds.gcp.quality.bigquery:measure",
    check="alchemesh_components.output_ports.bigquery_table.check:check",
    holds="alchemesh_components.output_ports.bigquery_table.holds:holds",
    guards=True,
    required_identity=GOOGLE_SERVICE_ACCOUNT,
    depends_on=FOUNDATIONS,
    plugins=("gcp",),
    permissions=permissions_for(
        "alchemesh:bigquery:TableSchema",
        "gcp:bigquery/dataset",
        "gcp:bigquery/datasetAccess",
        "gcp:bigquery/datasetIamMember",
        "gcp:bigquery/table",
    ),
)
