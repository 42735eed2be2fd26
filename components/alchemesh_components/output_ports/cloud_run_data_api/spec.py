"""Catalogue entry of cloud-run-data-api."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.clouds.gcp.identities import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.sdk.spec import FOUNDATIONS, ComponentSpec, Role

SPEC = ComponentSpec(
    name="cloud-run-data-api",
    component_type="data-api",
    roles=(Role.PROXY,),
    summary="SQL by authorised views of BigQuery, REST and GraphQL on Cloud Run, for granted consumers only.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.output_ports.cloud_run_data_api.component:CloudRunDataApi",
    args="alchemesh_components.output_ports.cloud_run_data_api.models:Args",
    settings="alchemesh_components.gcp.settings:Settings",
    outputs="alchemesh_platform.connections:DataApiConnection",
    serves=("bigquery-tables",),
    observe="alchemesh_components.output_ports.bigquery_views.observe:observe",
    check="alchemesh_components.output_ports.cloud_run_data_api.check:check",
    guards=True,
    required_identity=GOOGLE_SERVICE_ACCOUNT,
    protocols=("sql", "rest", "graphql"),
    depends_on=FOUNDATIONS,
    plugins=("gcp",),
    permissions=permissions_for(
        "gcp:bigquery/dataset",
        "gcp:bigquery/datasetAccess",
        "gcp:bigquery/datasetIamMember",
        "gcp:bigquery/table",
        "gcp:cloudrunv2/service",
        "gcp:cloudrunv2/serviceIamMember",
        "gcp:projects/iAMMember",
        "gcp:serviceaccount/account",
    ),
)
