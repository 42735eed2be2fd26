"""List deployed products, one row each, from their records only."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from alchemesh_platform.observed.models import ProductSummary
from alchemesh_platform.observed.product import DEPLOYING
from alchemesh_platform.registry.records import AssetRecord, PortRecord, ProductRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


def product_summaries(registry: Registry, environment: str) -> list[ProductSummary]:
    """Every deployed product of an environment, by address."""
    ports = Counter((port.product, port.direction) for port in registry.all(PortRecord, environment))
    assets = Counter(asset.product for asset in registry.all(AssetRecord, environment))
    last = registry.last_deployments(environment, DEPLOYING)
    return [
        ProductSummary(
            address=product.address,
            version=product.version,
            lifecycle=product.lifecycle,
            team=product.team,
            inputs=ports[product.address, "input"],
            outputs=ports[product.address, "output"],
            assets=assets[product.address],
            last_deployment=last.get(product.address),
        )
        for product in registry.all(ProductRecord, environment)
    ]
