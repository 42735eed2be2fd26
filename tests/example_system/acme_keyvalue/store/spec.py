"""Catalogue entry of keyvalue-store."""

from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="keyvalue-store",
    component_type="key-value-store",
    roles=(Role.STORAGE, Role.INFRASTRUCTURE),
    summary="A key-value store in a SQLite file of this machine.",
    version="1.0.0",
    maturity="beta",
    owner="acme",
    stateful=True,
    component="acme_keyvalue.store.component:Store",
    args="acme_keyvalue.store.models:Args",
    settings="acme_keyvalue.store.models:Settings",
    outputs="acme_keyvalue.connections:KeyValueConnection",
    provides="key-value-pairs",
    observe="acme_keyvalue.store.observe:observe",
)
