"""The protocols by which consumers read a data product, as systems register them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class AccessProtocol(NamedTuple):
    """A protocol that a proxy can offer.

    A proxy's connection has one field with the name of the protocol. It holds the address, or None if the proxy does
    not offer the protocol.

    Args:
        name: Name in a manifest: ``sql``.
        title: Name in a text: ``SQL``.
        sign_in: How a consumer signs in with a credential; ``{user}`` is the name of its user.
    """

    name: str
    title: str
    sign_in: str = "HTTP basic authentication"


def known_protocols() -> dict[str, AccessProtocol]:
    """The protocols of all registered systems, by name.

    If two share a name, the first one counts, and `doctor` reports both.
    """
    from alchemesh_platform.registration.systems import installed_systems

    found: dict[str, AccessProtocol] = {}
    for system in installed_systems():
        for protocol in system.protocols:
            found.setdefault(protocol.name, protocol)
    return found


def protocol_names() -> tuple[str, ...]:
    """Names of the protocols of all registered systems."""
    return tuple(known_protocols())


def addresses_by_protocol(connection: Mapping[str, Any]) -> dict[str, str]:
    """The address of each protocol that a proxy's connection offers."""
    found = {name: connection.get(name) for name in protocol_names()}
    return {name: address for name, address in found.items() if isinstance(address, str)}
