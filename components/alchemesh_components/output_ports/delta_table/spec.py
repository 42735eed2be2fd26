"""Catalogue entry of delta-table."""

from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="delta-table",
    component_type="columnar-table",
    roles=(Role.STORAGE,),
    summary="A Delta table for each model, in folders of this machine; empty tables exist before the first row.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    component="alchemesh_components.output_ports.delta_table.component:DeltaTables",
    args="alchemesh_components.output_ports.delta_table.models:Args",
    settings="alchemesh_components.local.settings:Settings",
    outputs="alchemesh_platform.connections:TablesConnection",
    provides="delta-tables",
    observe="alchemesh_components.output_ports.delta_table.observe:observe",
    measure="alchemesh_platform.systems.local.quality.delta:measure",
    check="alchemesh_components.output_ports.delta_table.check:check",
    extras=("alchemesh-platform[local]",),
)
