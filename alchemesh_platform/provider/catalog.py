"""The resource types of the provider, from all registered systems."""

from __future__ import annotations

from typing import Any

from alchemesh_platform.provider.components.types import ComponentTypes
from alchemesh_platform.provider.handler import PACKAGE, Handler, Handlers
from alchemesh_platform.registration.systems import Offer, Parts, Systems, installed_systems, wrong_part


def handlers_of(systems: Systems) -> Handlers:
    """The handlers of the given systems. A handler's module is imported on the first use of its type."""
    return Handlers(Parts(systems.offers("handler", lambda system: system.handlers), _handler), systems.broken)


def _handler(offer: Offer, found: object) -> Handler[Any, Any]:
    module = f"{PACKAGE}:{offer.by.system.name}:"
    if not (isinstance(found, type) and issubclass(found, Handler)):
        raise wrong_part(offer, "is no Handler class")
    if not offer.name.startswith(module):
        raise wrong_part(offer, f"has a resource type outside its system, expected {module}Type")
    if found.pulumi_type != offer.name:
        raise wrong_part(offer, f"has the resource type {found.pulumi_type}, expected {offer.name}")
    return found()


def installed_components() -> ComponentTypes:
    """The component types of all installed packages, for programs in other languages."""
    from alchemesh_platform.catalog.discover import discover

    return ComponentTypes(discover())


HANDLERS = handlers_of(installed_systems())
