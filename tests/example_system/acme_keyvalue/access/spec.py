"""Catalogue entry of keyvalue-access."""

from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="keyvalue-access",
    component_type="key-value-access",
    roles=(Role.PROXY,),
    summary="The address of a key-value store, for consumers that read the file.",
    version="1.0.0",
    maturity="beta",
    owner="acme",
    stateful=False,
    component="acme_keyvalue.access.component:Access",
    args="acme_keyvalue.access.models:Args",
    settings="acme_keyvalue.access.models:Settings",
    outputs="acme_keyvalue.connections:KeyValueAccessConnection",
    protocols=("sqlite",),
    serves=("key-value-pairs",),
)
