"""Runs that are due because the data of an upstream product has changed.

The lineage of the registry says which ports a product reads, and the history says when their products ran. A change is
a run of the upstream product that wrote rows to the port, or that succeeded and does not report its rows. A run reads
the changes that ended before it started. So the run is due once for a change, whatever started the last run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from alchemesh_platform.deployment.code.inputs import Change, newest_change

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


def due_by_upstream(
    registry: Registry, environment: str, product: str, *, on: Collection[str] | None = None
) -> str | None:
    """The change of an upstream port that makes a run of a product due; None without one.

    Pass it to the launcher as the engine's id of the run: the history then says which change started the run.

    Args:
        registry: The open registry of the environment.
        environment: Name of the environment.
        product: ``domain/product``.
        on: Names of the input ports whose changes count; by default, those that the deployed manifest names.

    Returns:
        The id of the newest upstream run that no run of the product has read yet.
    """
    names = triggers_of(registry, environment, product) if on is None else on
    if not names:
        return None
    changes = list(_changes(registry, environment, product, names))
    if not changes:
        return None
    newest = max(changes, key=lambda change: (change.at, change.run))
    last = next(iter(registry.deployments(product, environment, operations=("run",), limit=1)), None)
    return newest.run if last is None or last.started_at <= newest.at else None


def triggers_of(registry: Registry, environment: str, product: str) -> tuple[str, ...]:
    """Names of the input ports in ``on`` of the code's arguments, as deployed."""
    from alchemesh_platform.manifest.models import DataProduct
    from alchemesh_platform.registry.records import ManifestRecord

    record = registry.get(ManifestRecord, environment, product)
    if record is None:
        return ()
    code = DataProduct.model_validate_json(record.document).code
    return tuple(code.args.get("on") or ()) if code is not None else ()


def _changes(registry: Registry, environment: str, product: str, names: Collection[str]) -> Iterator[Change]:
    """The newest change of each upstream port."""
    from alchemesh_platform.registry.records import PortRecord

    for port in registry.all(PortRecord, environment, product, where={"direction": "input"}):
        if port.address.rpartition("/")[2] in names and port.from_product and port.origin is not None:
            change = newest_change(registry, environment, port.origin)
            if change is not None:
                yield change
