"""Declarations for the author of a system."""

from __future__ import annotations

from alchemesh_platform.registration.protocol import AccessProtocol
from alchemesh_platform.registration.system import System

__all__ = ["AccessProtocol", "System"]
