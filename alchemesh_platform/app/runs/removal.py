"""The end of a product's runs before its resources are removed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import Deployment
    from alchemesh_platform.registry.store import Registry

PATIENCE = timedelta(seconds=30)  # the code is interrupted, and ended 10 seconds later
_LOOK_SECONDS = 0.2


def end_runs(
    platform: Platform,
    registry: Registry,
    product: str,
    actor: Identity,
    report: Callable[[str], None],
    patience: timedelta = PATIENCE,
) -> None:
    """Cancel the runs of a product, on any machine, and end what killed runs left on this one.

    Args:
        platform: The environment.
        registry: Its open registry.
        product: ``domain/product``.
        actor: The identity that removes the product.
        report: Receives a line for each run that was cancelled, or that still runs.
        patience: How long to wait for the end of the runs.
    """
    from alchemesh_platform.app.runs.history import SHOWN_ID
    from alchemesh_platform.deployment.code.run import end_killed_runs
    from alchemesh_platform.registry.processes import machine_of

    environment = platform.environment
    end_killed_runs(registry, environment, product, Path(platform.home), report)
    asked: set[str] = set()
    until = time.monotonic() + patience.total_seconds()
    while running := _running(registry, environment, product):
        for run in running:
            if run.id not in asked:
                registry.ask_to_cancel(run.id, actor.subject)
                asked.add(run.id)
        if time.monotonic() > until:
            break
        time.sleep(_LOOK_SECONDS)
    for run in running:
        report(f"run {run.id[:SHOWN_ID]} of {product} still runs on {machine_of(run.process)}")
    for id_ in sorted(asked - {run.id for run in running}):
        report(f"cancelled run {id_[:SHOWN_ID]} of {product}")


def _running(registry: Registry, environment: str, product: str) -> list[Deployment]:
    """The runs that have not ended. Runs of versions that reported nothing are left out: they cannot be cancelled."""
    runs = registry.deployments(product, environment, operations=("run",), outcomes=("running",))
    return [run for run in runs if run.outcome == "running" and run.seen_at is not None]
