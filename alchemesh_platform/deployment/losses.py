"""The data that a removed resource takes along: known before the deployment, and allowed by the name of its port."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.problems import Problem
from alchemesh_platform.base.remedy import Remedy, command, remedy
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.deployment.grants.resources import COMPONENT_PREFIX
from alchemesh_platform.deployment.report.outcome import allowing
from alchemesh_platform.deployment.report.progress import INPUT_PORT, OUTPUT_PORT, Progress
from alchemesh_platform.engine.run.events import EngineEvent, ResourcePre, plain
from alchemesh_platform.engine.urn import name_of, type_of
from alchemesh_platform.provider.loss import Loss

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


@dataclass(frozen=True, slots=True)
class RemovedData:
    """A deployed resource that a deployment removes with its data.

    Args:
        port: Name of its port or need.
        identity: Its id: the place of the data.
        lineage: The URNs of its parents, the nearest first.
    """

    port: str
    urn: str
    type: str
    identity: str
    loss: Loss
    lineage: tuple[str, ...] = ()


def deployed_components(state: Mapping[str, Any]) -> dict[str, str]:
    """The port of each component in a stack's state, by the resource name of the component."""
    parents = {resource["urn"]: resource.get("parent", "") for resource in state.get("resources") or ()}
    return {name_of(urn): port_of(urn, parents) for urn in parents if type_of(urn).startswith(COMPONENT_PREFIX)}


def allowed_components(plan: Plan, state: Mapping[str, Any], ports: Collection[str]) -> dict[str, bool]:
    """Whether each planned or deployed component may lose data, by its resource name.

    Args:
        ports: Names of the ports whose data may be deleted.
    """
    planned = {part.resource_name: part.port for part in plan.components()}
    return {name: port in ports for name, port in {**deployed_components(state), **planned}.items()}


def removed_data(
    plan: Plan, state: Mapping[str, Any], allowed: Collection[str], registry: Registry
) -> list[RemovedData]:
    """The data of removed ports and needs that a deployment would delete without permission. Changes nothing.

    Args:
        plan: The product to deploy. Ports and needs of the state that it does not have are removed.
        state: The stack's state.
        allowed: Names of the ports whose data may be deleted.
        registry: The registry of the environment.
    """
    staying = {*allowed, *(part.port for part in plan.components())}
    resources = state.get("resources") or ()
    parents = {resource["urn"]: resource.get("parent", "") for resource in resources}
    found = []
    for resource in resources:
        urn, kind = resource["urn"], resource["type"]
        port = port_of(urn, parents)
        if resource.get("custom") and not resource.get("delete") and port not in staying:
            loss = _loss(urn, kind, plain(resource.get("inputs") or {}), registry)
            if loss is not None:
                lineage = tuple(parents_of(urn, parents))
                found.append(RemovedData(port, urn, kind, str(resource.get("id", "")), loss, lineage))
    return found


def refused_removals(plan: Plan, removed: Iterable[RemovedData], progress: Progress) -> dict[str, tuple[Problem, ...]]:
    """The problem of each port that is removed with its data. The progress then has the resources that hold it."""
    places: dict[str, list[str]] = {}
    for one in removed:
        places.setdefault(one.port, []).append(one.identity)
        show_loss(one, progress)
    hint = allow_loss_hint(places)
    return {
        port: (
            Problem(
                plan.location,
                "",
                f"{port}, the manifest does not have it any more, and its data is deleted with it, since "
                f"`keep_on_destroy: false` is deployed for it: {', '.join(found)}",
                hint,
            ),
        )
        for port, found in places.items()
    }


def show_loss(lost: RemovedData, progress: Progress, operation: str = "delete") -> None:
    """Add a resource that would take its data along to the progress, below its parents.

    Args:
        operation: The engine's name of the step. The parents of a replaced resource stay as they are.
    """
    parents = operation if operation == "delete" else "same"
    for urn, parent in zip((lost.urn, *lost.lineage), (*lost.lineage, ""), strict=True):
        is_itself = urn == lost.urn
        progress.on_event(_step(urn, parent, operation if is_itself else parents, custom=is_itself))
    progress.lose(lost.urn, lost.loss)


def _step(urn: str, parent: str, operation: str, *, custom: bool) -> ResourcePre:
    kind, name = type_of(urn), name_of(urn)
    return ResourcePre(urn, kind, name, parent, operation, custom, (), None, None, None, None, planning=False)


def parents_of(urn: str, parents: Mapping[str, str]) -> Iterator[str]:
    while urn := parents.get(urn, ""):
        yield urn


def deployed_port(name: str, components: Mapping[str, str]) -> str:
    """The port of a deployed resource by its name, which starts with the name of its component; empty if unknown.

    Args:
        components: The result of :func:`deployed_components`.
    """
    owners = [owner for owner in components if name == owner or name.startswith(f"{owner}-")]
    return components[max(owners, key=len)] if owners else ""


def see_removal(event: EngineEvent, progress: Progress, registry: Registry) -> None:
    """Record the data that a previewed removal deletes. The engine does not ask the provider about it in a preview."""
    if isinstance(event, ResourcePre) and event.op == "delete" and event.custom:
        loss = _loss(event.urn, event.type, event.old_inputs or {}, registry)
        if loss is not None:
            progress.lose(event.urn, loss)


def allow_loss_hint(ports: Iterable[str]) -> Remedy:
    """The command that deploys a change although it deletes data."""
    allowed = command("up", *allowing(ports), about_product=True)
    return remedy("{} deploys it, and deletes the data", allowed)


def _loss(urn: str, type_: str, inputs: Mapping[str, Any], registry: Registry) -> Loss | None:
    from alchemesh_platform.provider import operations
    from alchemesh_platform.provider.catalog import HANDLERS
    from alchemesh_platform.provider.handler import Context

    if type_ not in HANDLERS.by_type:
        return None
    context = Context(urn, threading.Event(), lambda: registry, lambda _severity, _sentence: None, preview=True)
    try:
        return operations.loss(HANDLERS.of(type_), inputs, context)
    except Failure:  # a server does not answer: the removal may delete data
        return Loss()


def port_of(urn: str, parents: Mapping[str, str]) -> str:
    """The nearest port among the parents of a component; the component itself for a need or the code."""
    name = name_of(urn)
    while urn:
        if type_of(urn) in (INPUT_PORT, OUTPUT_PORT):
            return name_of(urn)
        if type_of(urn).startswith(COMPONENT_PREFIX):
            name = name_of(urn)
        urn = parents.get(urn, "")
    return name
