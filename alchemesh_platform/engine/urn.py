"""The engine's name for a resource: ``urn:pulumi:STACK::PROJECT::PARENT_TYPE$TYPE::NAME``.

Source: https://www.pulumi.com/docs/iac/concepts/resources/names/#urns
"""

from __future__ import annotations

_PARTS = 4  # stack, project, qualified type, name; the name may hold the separator itself


def name_of(urn: str) -> str:
    """The name that the program gave to the resource; the whole text where it is no URN."""
    parts = urn.split("::", _PARTS - 1)
    return parts[-1]


def type_of(urn: str) -> str:
    """The resource's own type, without those of its parents; empty where it is no URN."""
    parts = urn.split("::", _PARTS - 1)
    return parts[2].rpartition("$")[2] if len(parts) == _PARTS else ""


def package_of(urn: str) -> str:
    """The package that the resource's type belongs to: ``alchemesh`` of ``alchemesh:mesh:Port``."""
    return type_of(urn).partition(":")[0]
