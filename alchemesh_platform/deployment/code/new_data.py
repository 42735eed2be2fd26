"""Land new data and remove expired data without a run of the engine, and decide whether a run is due."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.names import project_name
from alchemesh_platform.deployment.operator import stack_of
from alchemesh_platform.manifest.models import Contract
from alchemesh_platform.registry.records import ContractRecord

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.provider.handler import Context, Handler
    from alchemesh_platform.registry.store import Registry

_RUNS = 50  # runs in which the last successful one is searched
_SLACK = timedelta(seconds=30)  # a schedule does not start a run at the exact second


def land_new_data(platform: Platform, product: str, registry: Registry, report: Callable[[str], None]) -> int:
    """Land new and changed data at every deployed resource that can, after removing its expired files.

    Args:
        platform: The environment.
        product: ``domain/product``.
        registry: The registry of the environment.
        report: Receives a line for each resource with new data.

    Returns:
        The number of resources that can land data.

    Raises:
        Failure: when data cannot be landed. It names the file, the line and the reason.
    """
    from alchemesh_platform.provider import operations

    landing = 0
    for handler, inputs, context in _handled(_deployed(platform, product), registry, report):
        _expire(handler, inputs, context, report)
        if not handler.lands:
            continue
        landing += 1
        found = operations.land(handler, inputs, context)
        if found is not None:
            report(found)
    return landing


def remove_expired(platform: Platform, product: str, registry: Registry, report: Callable[[str], None]) -> None:
    """Remove the files of every deployed resource that are older than its retention. A failure is one more line.

    It does nothing if the state is not in a folder of this machine: reading it takes a run of the engine.

    Args:
        platform: The environment.
        product: ``domain/product``.
        registry: The registry of the environment.
        report: Receives a line for each resource with expired files, and for each one whose files cannot be removed.
    """
    for handler, inputs, context in _handled(_deployed(platform, product, engine=False), registry, report):
        _expire(handler, inputs, context, report)


def _expire(
    handler: Handler[Any, Any], inputs: Mapping[str, Any], context: Context, report: Callable[[str], None]
) -> None:
    from alchemesh_platform.provider import operations

    try:
        found = operations.expire(handler, inputs, context)
    except Failure as failure:
        found = f"expired files stay until the next run: {failure.message}"
    if found is not None:
        report(found)


def due_from(registry: Registry, environment: str, product: str) -> datetime | None:
    """The moment from which the next run is due, by the contracts of the product's ports; None if it is due always.

    Args:
        registry: The registry.
        environment: Name of the environment.
        product: ``domain/product``.
    """
    promised = [
        levels.update_frequency
        for record in registry.all(ContractRecord, environment, product)
        if (levels := Contract.model_validate(record.document).service_levels).update_frequency is not None
    ]
    runs = registry.deployments(product, environment, operations=("run",), limit=_RUNS)
    last = next((run.started_at for run in runs if run.outcome == "succeeded"), None)
    if not promised or last is None:
        return None
    return last + min(promised) - _SLACK


def _handled(
    resources: Iterable[Mapping[str, Any]], registry: Registry, report: Callable[[str], None]
) -> Iterator[tuple[Handler[Any, Any], Mapping[str, Any], Context]]:
    """The handler, the inputs and a context for each deployed resource of the platform's own types."""
    from alchemesh_platform.provider.catalog import HANDLERS
    from alchemesh_platform.provider.handler import Context

    for resource in resources:
        handler = HANDLERS.by_type.get(resource["type"])
        if handler is not None:
            context = Context(
                urn=resource["urn"],
                stop=threading.Event(),
                registry=lambda: registry,
                report=lambda _, line: report(line),
            )
            yield handler, resource.get("inputs") or {}, context


def _deployed(platform: Platform, product: str, *, engine: bool = True) -> Iterator[Mapping[str, Any]]:
    """The deployed resources of a product, from the state.

    Args:
        engine: Whether to read a state that is not in a folder, which needs the engine; otherwise it has no resources.
    """
    from alchemesh_platform.engine.install.find import find_engine
    from alchemesh_platform.engine.state.deployed import deployed_state
    from alchemesh_platform.engine.state.folder import read_state

    stack = stack_of(project_name(*product.split("/")), platform)
    file = stack.state_folder.file if stack.state_folder is not None else None
    if (file is None and not engine) or (file is not None and not file.exists()):
        return
    deployment = read_state(file) if file is not None else None
    if deployment is None:
        deployment = deployed_state(find_engine(), stack)
    for resource in deployment.get("resources") or ():
        if resource.get("custom") and not resource.get("delete"):
            yield resource
