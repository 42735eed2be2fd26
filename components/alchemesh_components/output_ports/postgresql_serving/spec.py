"""Catalogue entry of postgresql-serving."""

from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="postgresql-serving",
    type_in_state="roapi",
    component_type="data-api",
    roles=(Role.PROXY,),
    summary=(
        "SQL by a PostgreSQL that serves a copy of the tables, REST and GraphQL, behind a gateway on this machine."
    ),
    version="3.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.output_ports.postgresql_serving.component:PostgresqlServing",
    args="alchemesh_components.output_ports.postgresql_serving.models:Args",
    settings="alchemesh_components.local.settings:Settings",
    outputs="alchemesh_platform.connections:DataApiConnection",
    serves=("delta-tables", "iceberg-tables", "local-files"),
    protocols=("sql", "rest", "graphql"),
    check="alchemesh_components.output_ports.postgresql_serving.check:check",
    look="alchemesh_components.output_ports.postgresql_serving.look:look",
    guards=True,
    observe="alchemesh_components.output_ports.postgresql_serving.observe:observe",
    extras=("alchemesh-platform[local]",),
)
