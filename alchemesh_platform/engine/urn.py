"""URNs, the engine's names of resources: ``urn:pulumi:STACK::PROJECT::PARENT_TYPE$TYPE::NAME``.

Source: https://www.pulumi.com/docs/iac/concepts/resources/names/#urns
"""

from __future__ import annotations

_BEGIN = "urn:pulumi:"
_PARTS = 4  # stack, project, qualified type, name; the name may contain the separator


def name_of(urn: str) -> str:
    """The name that the program gave to the resource; the whole text if it is no URN."""
    parts = urn.split("::", _PARTS - 1)
    return parts[-1]


def type_of(urn: str) -> str:
    """The resource's own type, without the types of its parents; empty if the text is no URN."""
    parts = urn.split("::", _PARTS - 1)
    return parts[2].rpartition("$")[2] if len(parts) == _PARTS else ""


def stack_of(urn: str) -> str | None:
    """The stack of the resource; None if the text is no URN."""
    parts = urn.split("::", _PARTS - 1)
    return parts[0].removeprefix(_BEGIN) if len(parts) == _PARTS and parts[0].startswith(_BEGIN) else None


def package_of(urn: str) -> str:
    """The package of the resource's type: ``alchemesh`` for ``alchemesh:mesh:Port``."""
    return type_of(urn).partition(":")[0]
