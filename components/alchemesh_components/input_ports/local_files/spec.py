"""Catalogue entry of local-files."""

from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="local-files",
    component_type="file-ingestion",
    roles=(Role.INPUT_PORT,),
    summary="CSV, JSON lines or Parquet files of this machine, copied as Parquet.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    enforces_schema=True,
    component="alchemesh_components.input_ports.local_files.component:LocalFiles",
    args="alchemesh_components.input_ports.local_files.models:Args",
    settings="alchemesh_components.local.settings:Settings",
    outputs="alchemesh_platform.connections:FilesConnection",
    infer="alchemesh_components.input_ports.local_files.infer:infer",
    observe="alchemesh_components.input_ports.local_files.observe:observe",
    extras=("alchemesh-platform[local]",),
)
