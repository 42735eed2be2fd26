"""A proposal for the schema of an input port, from the data that its source has now."""

from __future__ import annotations

from dataclasses import dataclass

from alchemesh_platform.manifest.models import SourceProperty


@dataclass(frozen=True, slots=True)
class ProposedProperty:
    """One property of a proposed schema.

    Args:
        name: Name of the property.
        declared: Its declaration.
        losses: The values that other types would lose, each with an example.
    """

    name: str
    declared: SourceProperty
    losses: tuple[str, ...] = ()
