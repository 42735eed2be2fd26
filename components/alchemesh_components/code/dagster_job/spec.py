"""Catalogue entry of dagster-job."""

from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="dagster-job",
    component_type="dagster-job",
    roles=(Role.CODE,),
    summary="A job of Dagster: a plain entrypoint, or the team's own definitions, with a code server for each product.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.code.dagster_job.component:DagsterJob",
    args="alchemesh_components.code.dagster_job.models:Args",
    settings="alchemesh_components.dagster.settings:Settings",
    outputs="alchemesh_platform.connections:JobConnection",
    check="alchemesh_components.code.dagster_job.look:check",
    look="alchemesh_components.code.dagster_job.look:look",
    run="alchemesh_components.code.local_python.run:run",
    engine="alchemesh_platform.systems.dagster.engine:ENGINE",
    extras=("alchemesh-platform[local]", "alchemesh-platform[orchestrators]"),
)
