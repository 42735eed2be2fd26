"""The kinds of connections that systems register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alchemesh_platform.registration.systems import BrokenSystem, Offer, Parts, installed_systems, wrong_part
from alchemesh_platform.sdk.connections.base import Connection, WrongConnection


def connection_kinds() -> Parts[type[Connection]]:
    """The class of each kind of connection that a registered system provides."""
    return Parts(installed_systems().offers("connection kind", lambda system: system.connections), _class)


def connection_of(outputs: Mapping[str, Any]) -> Connection:
    """Parse a component's outputs into a connection of their kind.

    Raises:
        WrongConnection: when no system registers its kind.
        BrokenSystem: when the package of its kind cannot be used.
        ValidationError: when the outputs do not match the schema of the kind.
    """
    kinds = connection_kinds()
    kind = outputs.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        failures = "".join(f"; {failure.message}" for failure in installed_systems().broken)
        raise WrongConnection(
            f"unknown kind of connection {kind!r}, expected one of {', '.join(kinds)}: "
            f"the package that registers it is not installed here{failures}"
        )
    return kinds[kind].model_validate(outputs)


def is_of_role(outputs: Mapping[str, Any], role: str) -> bool:
    """Whether a component's outputs are a connection of a registered kind with this role."""
    kinds, kind = connection_kinds(), outputs.get("kind")
    try:
        return isinstance(kind, str) and kind in kinds and kinds[kind].role == role
    except BrokenSystem:
        return False


def _class(offer: Offer, found: object) -> type[Connection]:
    if not (isinstance(found, type) and issubclass(found, Connection)):
        raise wrong_part(offer, "is no Connection class")
    kind = found.model_fields["kind"].default
    if kind != offer.name:
        raise wrong_part(offer, f"has the kind {kind!r}, expected {offer.name!r}")
    return found
