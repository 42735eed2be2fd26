"""Compose the plan of a product without its repo, from the manifest of its last deployment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.documents.document import node_of

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry


class NotRecorded(Failure):
    """Raised when the manifest of a product is not recorded."""


def recomposed(registry: Registry, platform: Platform, product: str) -> Plan:
    """Compose a product from the manifest of its last deployment.

    Args:
        registry: The registry of the environment.
        platform: The environment, from the current platform file.
        product: ``domain/product``.

    Raises:
        NotRecorded: when the product was not deployed, or a version that recorded no manifests deployed it.
        ProblemsFound: when the platform file no longer implements something that the product uses.
    """
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.compose.compose import compose
    from alchemesh_platform.deployment.places import in_recorded_places

    plan = compose(recorded_manifest(registry, platform.environment, product), platform, discover())
    return in_recorded_places(registry, platform, plan)


def recorded_manifest(registry: Registry, environment: str, product: str) -> LoadedManifest:
    """The manifest of a product's last deployment, with overlay and contract files merged in.

    Raises:
        NotRecorded: when the product was not deployed, or a version that recorded no manifests deployed it.
        ProblemsFound: when another version recorded it, which knows other fields.
    """
    from alchemesh_platform.base.problems import ProblemsFound
    from alchemesh_platform.documents.validate import validate
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.manifest.models import DataProduct
    from alchemesh_platform.registry.records import ManifestRecord

    record = registry.get(ManifestRecord, environment, product)
    if record is None:
        raise NotRecorded(
            f"no manifest of {product} is recorded in {environment}",
            hint=remedy("{} in its folder deploys and records it, with the approved grants", command("up")),
        )
    tree = node_of(json.loads(record.document), f"the manifest of {product}, as deployed")
    declared, problems = validate(tree, DataProduct)
    if declared is None:
        raise ProblemsFound(problems)
    root = Path(record.root)
    return LoadedManifest(declared, tree, root, root / "alchemesh.yaml")
