"""The data that a removed resource takes along: known before the deployment, and allowed by the name of its port."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import Remedy, command, remedy
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.deployment.grants.resources import COMPONENT_PREFIX
from alchemesh_platform.deployment.outcome import allowing
from alchemesh_platform.deployment.progress import INPUT_PORT, OUTPUT_PORT, Progress
from alchemesh_platform.engine.run.events import EngineEvent, ResourcePre, plain
from alchemesh_platform.engine.urn import name_of, type_of
from alchemesh_platform.provider.loss import Loss

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


class DataWouldBeLost(Failure):
    """Raised when a deployment deletes the data of removed ports without permission.

    Args:
        lost: The resources that hold the data, by the name of their port.
    """

    def __init__(self, lost: Mapping[str, Collection[str]]) -> None:
        each = (f"{port}: {', '.join(found)}" for port, found in lost.items())
        super().__init__(
            f"the manifest removes ports whose data is deleted with them, since `keep_on_destroy: false` is deployed "
            f"for them: {'; '.join(each)}",
            hint=allow_loss_hint(lost),
        )


def deployed_components(state: Mapping[str, Any]) -> dict[str, str]:
    """The port of each component in a stack's state, by the resource name of the component."""
    parents = {resource["urn"]: resource.get("parent", "") for resource in state.get("resources") or ()}
    return {name_of(urn): _port_of(urn, parents) for urn in parents if type_of(urn).startswith(COMPONENT_PREFIX)}


def allowed_components(plan: Plan, state: Mapping[str, Any], ports: Collection[str]) -> dict[str, bool]:
    """Whether each planned or deployed component may lose data, by its resource name.

    Args:
        ports: Names of the ports whose data may be deleted.
    """
    planned = {part.resource_name: part.port for part in plan.components()}
    return {name: port in ports for name, port in {**deployed_components(state), **planned}.items()}


def check_removed_ports(plan: Plan, state: Mapping[str, Any], allowed: Collection[str], registry: Registry) -> None:
    """Refuse a deployment that removes ports with their data, before it changes anything.

    Args:
        plan: The product to deploy. Ports and needs of the state that it does not have are removed.
        allowed: Names of the ports whose data may be deleted.

    Raises:
        DataWouldBeLost: when it deletes the data of other ports.
    """
    staying = {*allowed, *(part.port for part in plan.components())}
    resources = state.get("resources") or ()
    parents = {resource["urn"]: resource.get("parent", "") for resource in resources}
    lost: dict[str, list[str]] = {}
    for resource in resources:
        port = _port_of(resource["urn"], parents)
        if resource.get("custom") and not resource.get("delete") and port not in staying:
            inputs = plain(resource.get("inputs") or {})
            if _loss(resource["urn"], resource["type"], inputs, registry) is not None:
                lost.setdefault(port, []).append(str(resource.get("id", "")))
    if lost:
        raise DataWouldBeLost(lost)


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


def _port_of(urn: str, parents: Mapping[str, str]) -> str:
    """The nearest port among the parents of a component; the component itself for a need or the code."""
    name = name_of(urn)
    while urn:
        if type_of(urn) in (INPUT_PORT, OUTPUT_PORT):
            return name_of(urn)
        if type_of(urn).startswith(COMPONENT_PREFIX):
            name = name_of(urn)
        urn = parents.get(urn, "")
    return name
