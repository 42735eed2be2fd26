"""Catalogue entry of iceberg-table."""

from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="iceberg-table",
    component_type="columnar-table",
    roles=(Role.STORAGE,),
    summary="An Iceberg table for each model, in folders of this machine and a catalog in SQL that other engines read.",
    version="1.0.0",
    maturity="experimental",
    owner="alchemesh",
    stateful=True,
    component="alchemesh_components.output_ports.iceberg_table.component:IcebergTables",
    args="alchemesh_components.output_ports.delta_table.models:Args",
    settings="alchemesh_components.iceberg.settings:Settings",
    outputs="alchemesh_platform.connections:TablesConnection",
    provides="iceberg-tables",
    observe="alchemesh_components.output_ports.iceberg_table.observe:observe",
    measure="alchemesh_platform.sdk.quality:by_rows",
    check="alchemesh_components.output_ports.iceberg_table.check:check",
    extras=("alchemesh-platform[local]", "alchemesh-platform[iceberg]"),
)
