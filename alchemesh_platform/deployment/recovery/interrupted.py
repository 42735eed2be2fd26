"""Imports resources that a killed run was creating in a cloud service.

Our own resources adopt existing objects when the engine creates them. A cloud service refuses, because an object that
the engine has no record of has the name. If the creation of that resource was interrupted, the object belongs to this
product, and the run imports it. The object's id follows from the resource's inputs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from alchemesh_platform.compose.plan import Kept
from alchemesh_platform.engine.urn import name_of, package_of, type_of
from alchemesh_platform.registration.systems import BrokenSystem, Parts, function_part, installed_systems

if TYPE_CHECKING:
    from alchemesh_platform.engine.install.find import Engine
    from alchemesh_platform.engine.run.events import Diagnostic, EngineEvent, ResourceFailed
    from alchemesh_platform.engine.run.result import EngineResult
    from alchemesh_platform.engine.stack import Stack

# https://cloud.google.com/apis/design/errors; own buckets: https://cloud.google.com/storage/docs/troubleshooting
NAME_TAKEN = re.compile(r"\bError 409\b|\balready exists\b|\balready own it\b", re.IGNORECASE)


def importing_interrupted(
    engine: Engine,
    stack: Stack,
    before: Mapping[str, Any],
    run: Callable[[Sequence[Kept], Callable[[EngineEvent], None]], EngineResult],
    is_imported: Callable[[Kept], bool] = lambda _kept: True,
) -> tuple[EngineResult, tuple[Kept, ...]]:
    """Run the engine. If an object of a killed run already exists, run the engine again and import that object.

    Args:
        before: The state of the stack.
        run: Runs the engine with the resources to import, and passes each event to its second argument.
        is_imported: Whether an object may be imported. An object of another owner must not be.

    Returns:
        The result of the last run, and the resources that it imported.
    """
    from alchemesh_platform.engine.run.events import ResourceFailed
    from alchemesh_platform.engine.state.deployed import deployed_state
    from alchemesh_platform.engine.state.interrupted import creations, interrupted_in, interrupted_in_runs, left_runs

    failed: list[ResourceFailed] = []

    def take(event: EngineEvent) -> None:
        if isinstance(event, ResourceFailed):
            failed.append(event)

    interrupted = creations((*interrupted_in(before), *interrupted_in_runs(left_runs(stack))))
    result = run((), take)
    if interrupted and result.outcome == "failed":
        found = interrupted_creations(interrupted, failed, result.errors, deployed_state(engine, stack))
        own = tuple(kept for kept in found if is_imported(kept))
        if own:
            return run(own, take), own
    return result, ()


def interrupted_creations(
    interrupted: Iterable[str],
    failed: Iterable[ResourceFailed],
    errors: Iterable[Diagnostic],
    deployment: Mapping[str, Any],
) -> tuple[Kept, ...]:
    """The objects that exist because an earlier run was killed while creating them.

    Args:
        interrupted: URNs of the creations that were interrupted in earlier runs.
        failed: The failed resources of this run.
        errors: Their errors.
        deployment: The state of the stack, which contains the configuration of its providers.
    """
    taken = {reported.urn for reported in errors if NAME_TAKEN.search(reported.message)} & set(interrupted)
    return tuple(_identified(taken, failed, deployment))


def _identified(taken: set[str], failed: Iterable[ResourceFailed], deployment: Mapping[str, Any]) -> Iterator[Kept]:
    import_ids = Parts(installed_systems().offers("import id", lambda system: system.import_ids), function_part)
    for event in failed:
        package = package_of(event.urn)
        if event.urn not in taken or package not in import_ids:
            continue
        values = {**_configured(deployment, package), **(event.new_inputs or {})}
        with suppress(BrokenSystem):  # an error here must not hide the failure that is reported anyway
            identity = import_ids[package](type_of(event.urn), values)
            if isinstance(identity, str):
                yield Kept(type_of(event.urn), name_of(event.urn), identity)


def _configured(deployment: Mapping[str, Any], package: str) -> dict[str, Any]:
    """The text settings of a package's provider: the project and region of resources that name none."""
    found: dict[str, Any] = {}
    for resource in deployment.get("resources") or ():
        if resource.get("type") == f"pulumi:providers:{package}":
            found |= {name: value for name, value in (resource.get("inputs") or {}).items() if isinstance(value, str)}
    return found
