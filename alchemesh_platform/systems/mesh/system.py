"""The records of the data mesh, as a system."""

from __future__ import annotations

from alchemesh_platform.sdk.system.system import System

SYSTEM = System(
    name="mesh",
    summary="Records of the data mesh: products, ports, assets, contracts and grants.",
    handlers={
        "alchemesh:mesh:Foundation": "alchemesh_platform.systems.mesh.handlers.records:FoundationHandler",
        "alchemesh:mesh:Product": "alchemesh_platform.systems.mesh.handlers.records:ProductHandler",
        "alchemesh:mesh:Port": "alchemesh_platform.systems.mesh.handlers.records:PortHandler",
        "alchemesh:mesh:Asset": "alchemesh_platform.systems.mesh.handlers.records:AssetHandler",
        "alchemesh:mesh:Lineage": "alchemesh_platform.systems.mesh.handlers.records:LineageHandler",
        "alchemesh:mesh:Manifest": "alchemesh_platform.systems.mesh.handlers.records:ManifestHandler",
        "alchemesh:mesh:Contract": "alchemesh_platform.systems.mesh.handlers.contract:ContractHandler",
        "alchemesh:mesh:Grant": "alchemesh_platform.systems.mesh.handlers.grant:GrantHandler",
        "alchemesh:mesh:Subscription": "alchemesh_platform.systems.mesh.handlers.subscription:SubscriptionHandler",
    },
)
