"""Catalogue entry of bigquery-views."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.clouds.gcp.identities import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.sdk.spec import FOUNDATIONS, ComponentSpec, Role

SPEC = ComponentSpec(
    name="bigquery-views",
    component_type="data-api",
    roles=(Role.PROXY,),
    summary="SQL by authorised views of BigQuery, in a dataset of their own that only granted consumers see.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.output_ports.bigquery_views.component:BigQueryViews",
    args="alchemesh_components.output_ports.bigquery_views.models:Args",
    settings="alchemesh_components.gcp.settings:Settings",
    outputs="alchemesh_platform.connections:DataApiConnection",
    observe="alchemesh_components.output_ports.bigquery_views.observe:observe",
    serves=("bigquery-tables",),
    guards=True,
    required_identity=GOOGLE_SERVICE_ACCOUNT,
    protocols=("sql",),
    depends_on=FOUNDATIONS,
    plugins=("gcp",),
    permissions=permissions_for(
        "gcp:bigquery/dataset",
        "gcp:bigquery/datasetAccess",
        "gcp:bigquery/datasetIamMember",
        "gcp:bigquery/table",
    ),
)
