"""Measured values of an environment as Prometheus metrics."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.exports.prometheus import Samples
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry


def check_reads_metrics(registry: Registry, environment: str, actor: Identity) -> None:
    """Refuse a caller that the mesh does not know. Without a recorded mesh, every verified caller may read metrics.

    Raises:
        NotAllowed: when the caller is neither a user of the mesh nor a mapped pipeline.
    """
    from alchemesh_platform.access.requester import is_recorded
    from alchemesh_platform.access.rights import NotAllowed
    from alchemesh_platform.registry.records import UserRecord

    known = actor.mapped or registry.get(UserRecord, environment, actor.subject) is not None
    if is_recorded(registry, environment) and not known:
        raise NotAllowed(
            f"{actor.subject} may not read metrics: the mesh of {environment} has no such user or pipeline"
        )


def metrics(registry: Registry, environment: str, products: Collection[str] = ()) -> Samples:
    """The metrics of deployed products.

    Args:
        products: Addresses of products; empty for all.
    """
    from alchemesh_platform.exports.prometheus import collect
    from alchemesh_platform.registry.records import ProductRecord

    deployed = [each.address for each in registry.all(ProductRecord, environment)]
    wanted = [each for each in deployed if not products or each in products]
    return collect(registry, environment, wanted, registry.now())


def write_metrics(platform: Platform, file: Path) -> None:
    """Write the metrics of all products of an environment into a file for the textfile collector.

    Raises:
        MetricsMissing: when the library for metrics is not installed.
        RegistryUnavailable: when the registry cannot be used.
        Failure: when the file cannot be written.
    """
    from alchemesh_platform.exports.prometheus import write_textfile
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry) as registry:
        samples = metrics(registry, platform.environment)
    write_textfile(samples, file)
