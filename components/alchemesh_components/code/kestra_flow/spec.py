"""Catalogue entry of kestra-flow."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="kestra-flow",
    component_type="kestra-flow",
    roles=(Role.CODE,),
    summary="A flow of Kestra: the team's own file, or one that runs a Python entrypoint.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.code.kestra_flow.component:KestraFlow",
    args="alchemesh_components.code.kestra_flow.models:Args",
    settings="alchemesh_components.kestra.settings:Settings",
    outputs="alchemesh_platform.connections:JobConnection",
    check="alchemesh_components.code.kestra_flow.look:check",
    look="alchemesh_components.code.kestra_flow.look:look",
    run="alchemesh_components.code.local_python.run:run",
    engine="alchemesh_platform.systems.kestra.engine:ENGINE",
    extras=("alchemesh-platform[local]", "alchemesh-platform[orchestrators]"),
    permissions=permissions_for("alchemesh:kestra:Flow"),
)
