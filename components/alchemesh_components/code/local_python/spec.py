"""Catalogue entry of local-python."""

from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="local-python",
    component_type="python-job",
    roles=(Role.CODE,),
    summary="A plain Python job on this machine, run by `alchemesh run`.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.code.local_python.component:LocalPython",
    args="alchemesh_components.code.local_python.models:Args",
    settings="alchemesh_components.local.settings:Settings",
    outputs="alchemesh_platform.connections:JobConnection",
    check="alchemesh_components.code.local_python.look:check",
    look="alchemesh_components.code.local_python.look:look",
    run="alchemesh_components.code.local_python.run:run",
    extras=("alchemesh-platform[local]",),
)
