"""Kestra, as a system."""

from __future__ import annotations

from alchemesh_platform.sdk.system.system import System

SYSTEM = System(
    name="kestra",
    summary="Flows of Kestra that run a product's code.",
    handlers={"alchemesh:kestra:Flow": "alchemesh_platform.systems.kestra.handler:FlowHandler"},
    servers=(("kestra", "address"),),
)
