"""Base model and types for the arguments and settings of a component, and the semantic models of a port."""

from __future__ import annotations

from alchemesh_platform.documents.models import Email, Identifier, Name, Strict
from alchemesh_platform.manifest.models import LogicalType, Property, Protocol, SemanticModel, SourceProperty

__all__ = [
    "Email",
    "Identifier",
    "LogicalType",
    "Name",
    "Property",
    "Protocol",
    "SemanticModel",
    "SourceProperty",
    "Strict",
]
