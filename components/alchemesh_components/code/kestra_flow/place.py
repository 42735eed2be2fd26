"""The place of a product's flow in Kestra, and the labels that it has there."""

from __future__ import annotations

from alchemesh_components.kestra.settings import Settings
from alchemesh_platform.sdk.wiring import Wiring

OWNER = "alchemesh-owner"


def namespace_of(settings: Settings, wiring: Wiring) -> str:
    """The namespace of a product: its domain and its name, below the platform's own namespace."""
    parts = (settings.kestra.namespace, wiring.domain, wiring.product)
    return ".".join(part for part in parts if part)


def owner_of(wiring: Wiring) -> str:
    """The owner of the flow: two environments never have the same."""
    return f"{wiring.environment}:{wiring.address}"


def labels_of(wiring: Wiring) -> dict[str, str]:
    """The labels of the flow. Kestra's pages filter by them."""
    return {OWNER: owner_of(wiring), "alchemesh-product": f"{wiring.domain}/{wiring.product}"}
