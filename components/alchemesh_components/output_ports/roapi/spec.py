"""Catalogue entry of roapi."""

from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="roapi",
    component_type="data-api",
    roles=(Role.PROXY,),
    summary=(
        "SQL over the PostgreSQL protocol, REST and GraphQL, by an isolated roapi behind a gateway on this machine."
    ),
    version="2.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.output_ports.roapi.component:RoapiDataApi",
    args="alchemesh_components.output_ports.roapi.models:Args",
    settings="alchemesh_components.local.settings:Settings",
    outputs="alchemesh_platform.connections:DataApiConnection",
    serves=("delta-tables", "local-files"),
    protocols=("sql", "rest", "graphql"),
    guards=True,
    observe="alchemesh_components.output_ports.roapi.observe:observe",
    extras=("alchemesh-platform[local]",),
)
