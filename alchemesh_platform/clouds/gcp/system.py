"""Google Cloud, as a system."""

from __future__ import annotations

from alchemesh_platform.sdk.system import System

SYSTEM = System(
    name="gcp",
    summary="Google Cloud: its errors, identities, and its emulation on this machine.",
    errors="alchemesh_platform.clouds.gcp.errors:ERRORS",
)
