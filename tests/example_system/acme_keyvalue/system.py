"""Registration of the system."""

from alchemesh_platform.sdk.system.system import AccessProtocol, System

SYSTEM = System(
    name="keyvalue",
    summary="Key-value stores in SQLite files of this machine.",
    handlers={"alchemesh:keyvalue:Store": "acme_keyvalue.handler:StoreHandler"},
    connections={
        "keyvalue": "acme_keyvalue.connections:KeyValueConnection",
        "keyvalue-access": "acme_keyvalue.connections:KeyValueAccessConnection",
    },
    protocols=(AccessProtocol("sqlite", "SQLite", sign_in="reading the file"),),
    probes={"keyvalue-access": "acme_keyvalue.probes:PROBES"},
    errors="acme_keyvalue.errors:ERRORS",
)
