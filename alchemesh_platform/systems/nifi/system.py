"""Apache NiFi, as a system."""

from __future__ import annotations

from alchemesh_platform.sdk.system.system import System

SYSTEM = System(
    name="nifi",
    summary="Dataflows of Apache NiFi.",
    handlers={
        "alchemesh:nifi:Dataflow": "alchemesh_platform.systems.nifi.handler:DataflowHandler",
    },
    servers=(("nifi", "url"),),
)
