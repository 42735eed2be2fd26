"""Dagster, as a system."""

from __future__ import annotations

from alchemesh_platform.sdk.system.system import System

SYSTEM = System(
    name="dagster",
    summary="Code locations of Dagster, and a Dagster of this machine.",
    handlers={
        "alchemesh:dagster:CodeLocation": "alchemesh_platform.systems.dagster.handler:CodeLocationHandler",
    },
    servers=(("dagster", "address"),),
)
