"""Catalogue entry of airflow-dag."""

from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="airflow-dag",
    component_type="airflow-dag",
    roles=(Role.CODE,),
    summary="A DAG of Apache Airflow: the team's own file, or one that runs a Python entrypoint.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.code.airflow_dag.component:AirflowDag",
    args="alchemesh_components.code.airflow_dag.models:Args",
    settings="alchemesh_components.airflow.settings:Settings",
    outputs="alchemesh_platform.connections:JobConnection",
    check="alchemesh_components.code.airflow_dag.look:check",
    look="alchemesh_components.code.airflow_dag.look:look",
    run="alchemesh_components.code.local_python.run:run",
    engine="alchemesh_platform.systems.airflow.engine:ENGINE",
    extras=("alchemesh-platform[local]", "alchemesh-platform[orchestrators]"),
)
