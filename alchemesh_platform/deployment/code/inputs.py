"""The inputs of a run: the version of what each input port reads, as far as the registry and the storages know it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alchemesh_platform.registry.records import Deployment, PortRecord, ProductRecord, RunInput

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.sdk.connections.ports import Connections, PortConnections

_LOOKED_AT = 20  # newest runs of an upstream product


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an output port by a run.

    Args:
        port: Address of the port: ``domain/product/port``.
        run: Id of the run that changed its data.
        at: When that run ended.
    """

    port: str
    run: str
    at: datetime


def inputs_of(registry: Registry, environment: str, product: str, connections: Connections) -> dict[str, RunInput]:
    """The version of each input port of a product now, by the name of the port. It reads no rows.

    A version that cannot be read is unknown: it fails no run.
    """
    found = {}
    for port in registry.all(PortRecord, environment, product, where={"direction": "input"}):
        name = port.address.rpartition("/")[2]
        upstream = None if not port.from_product or port.origin is None else port.origin
        change = None if upstream is None else newest_change(registry, environment, upstream)
        owner = None if upstream is None else registry.get(ProductRecord, environment, upstream.rpartition("/")[0])
        found[name] = RunInput(
            origin=port.origin,
            versions=_versions(connections.inputs.get(name)),
            run=None if change is None else change.run,
            product_version=None if owner is None else owner.version,
        )
    return found


def newest_change(registry: Registry, environment: str, port: str) -> Change | None:
    """The newest change of an output port by a run that has ended; None without one.

    Args:
        registry: The open registry of the environment.
        environment: Name of the environment.
        port: Address of the port.
    """
    product, _, name = port.rpartition("/")
    runs = registry.deployments(product, environment, operations=("run",), limit=_LOOKED_AT)
    return _newest(port, name, runs)


def _newest(port: str, name: str, runs: Iterable[Deployment]) -> Change | None:
    found = [
        Change(port, run.id, run.finished_at) for run in runs if run.finished_at is not None and changes_port(run, name)
    ]
    return max(found, key=lambda change: change.at, default=None)


def changes_port(run: Deployment, name: str) -> bool:
    """Whether a run changed the data of a port. A run that does not report its rows may have."""
    if run.written:
        return any(rows > 0 and place.partition("/")[0] == name for place, rows in run.written.items())
    return run.outcome == "succeeded"


def _versions(port: PortConnections | None) -> dict[str, str]:
    """The version of each model that a port reads; of its files under ``files``."""
    from alchemesh_platform.data.backend import backend_of
    from alchemesh_platform.data.errors import NotReadable

    connection: Any = None if port is None else port.storage or port.proxy
    if connection is None:
        return {}
    models = tuple(getattr(connection, "tables", {})) or (None,)
    found = {}
    for model in models:
        try:
            version = backend_of(connection, NotReadable, "version").version(connection, model)
        except Exception:  # noqa: BLE001 - a version is a note about the run; the code itself reports damaged data
            version = None
        if version is not None:
            found[model or "files"] = version
    return found
