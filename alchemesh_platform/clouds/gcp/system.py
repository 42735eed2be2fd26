"""Google Cloud, as a system."""

from __future__ import annotations

from alchemesh_platform.clouds.gcp.identities import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.sdk.system import System

SYSTEM = System(
    name="gcp",
    summary="Google Cloud: its errors, identities, and its emulation on this machine.",
    connections={
        "secret": "alchemesh_platform.clouds.gcp.connections:SecretConnection",
        "identity": "alchemesh_platform.clouds.gcp.connections:IdentityConnection",
    },
    errors="alchemesh_platform.clouds.gcp.errors:ERRORS",
    import_ids={"gcp": "alchemesh_platform.clouds.gcp.emulation.catalog:identity_of"},
    emulation="alchemesh_platform.clouds.gcp.emulation.environment:EMULATION",
    data={
        "files/gs": "alchemesh_platform.clouds.gcp.data.folder:DATA",
        "topic/pubsub": "alchemesh_platform.clouds.gcp.data.topics:DATA",
    },
    identities={GOOGLE_SERVICE_ACCOUNT: "a service account of Google Cloud, by its email"},
)
