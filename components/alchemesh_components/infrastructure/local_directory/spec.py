"""Catalogue entry of local-directory."""

from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="local-directory",
    component_type="object-storage",
    roles=(Role.STORAGE, Role.INFRASTRUCTURE),
    summary="Object storage as a folder of this machine.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    component="alchemesh_components.infrastructure.local_directory.component:LocalDirectory",
    args="alchemesh_components.infrastructure.local_directory.models:Args",
    settings="alchemesh_components.local.settings:Settings",
    outputs="alchemesh_platform.connections:FilesConnection",
    provides="local-files",
    observe="alchemesh_components.infrastructure.local_directory.observe:observe",
    measure="alchemesh_platform.sdk.quality:by_rows",
)
