"""Catalogue entry of spark-submit."""

from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="spark-submit",
    component_type="spark-job",
    roles=(Role.CODE,),
    summary="A job of Apache Spark on this machine, started by spark-submit: PySpark, or a file of SQL statements.",
    version="1.0.0",
    maturity="experimental",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.code.spark_submit.component:SparkSubmit",
    args="alchemesh_components.code.spark_submit.models:Args",
    settings="alchemesh_components.spark.settings:Settings",
    outputs="alchemesh_platform.connections:JobConnection",
    check="alchemesh_components.code.spark_submit.look:check",
    look="alchemesh_components.code.spark_submit.look:look",
    run="alchemesh_components.code.spark_submit.run:run",
    extras=("alchemesh-platform[local]",),
)
