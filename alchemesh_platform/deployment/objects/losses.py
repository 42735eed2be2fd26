"""The data that a deployment deletes with objects in a cloud. Their provider is not ours, and asks for no permission.

Before the engine starts, the state and the plan say which objects a deployment removes or replaces. In a preview, the
engine's events say so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.problems import Problem
from alchemesh_platform.deployment.grants.resources import COMPONENT_PREFIX
from alchemesh_platform.deployment.losses import RemovedData, allow_loss_hint, parents_of, port_of, show_loss
from alchemesh_platform.deployment.objects.planned import PlannedObject, cloud_objects, planned_objects
from alchemesh_platform.engine.run.events import EngineEvent, ResourcePre, plain
from alchemesh_platform.engine.urn import name_of, type_of
from alchemesh_platform.provider.loss import Loss

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan, PlannedComponent
    from alchemesh_platform.deployment.report.progress import Progress
    from alchemesh_platform.platform_file.models import Platform

REMOVALS = ("delete", "replace", "create-replacement", "delete-replaced")


@dataclass(frozen=True, slots=True)
class Deployed:
    """An object of a stack's state whose data goes with it.

    Args:
        component: Resource name of the outermost component that it belongs to.
        port: Its port, need or code.
        lineage: The URNs of its parents, the nearest first.
    """

    urn: str
    type: str
    id: str
    inputs: Mapping[str, Any] = field(hash=False)
    component: str
    port: str
    lineage: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LostObject:
    """An object that a deployment removes or replaces with its data.

    Args:
        found: The object.
        loss: Its data.
        operation: ``delete`` or ``replace``.
        component: The component that the plan has for it; None if its port or need is removed.
    """

    found: Deployed
    loss: Loss
    operation: str
    component: PlannedComponent | None

    @property
    def port(self) -> str:
        """Name of its port or need."""
        return self.found.port

    @property
    def urn(self) -> str:
        """URN of its resource."""
        return self.found.urn

    @property
    def removed(self) -> RemovedData:
        """The data of a removed port."""
        found = self.found
        return RemovedData(found.port, found.urn, found.type, found.id, self.loss, found.lineage)


@dataclass(slots=True)
class Losses:
    """The data of objects, measured once.

    Args:
        platform: The environment.
        state: The state of the product's stack before the run.
        known: Losses that were measured before the run, by URN. Without them, each is measured when it is seen.
    """

    platform: Platform
    state: Mapping[str, Any]
    known: dict[str, Loss] | None = None
    notes: list[str] = field(default_factory=list)
    _objects: dict[str, Deployed] = field(default_factory=dict)
    _measured: dict[str, Loss | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._objects = {each.urn: each for each in losable(self.state)}

    def see(self, event: EngineEvent, progress: Progress) -> None:
        """Record the data that a removal or a replacement deletes."""
        if not isinstance(event, ResourcePre) or event.op not in REMOVALS or event.urn not in self._objects:
            return
        found = self._objects[event.urn]
        loss = self.known.get(event.urn) if self.known is not None else self.measure(found)
        guard = cloud_objects()[found.type].guard
        if event.op == "delete" or not guard:
            if loss is not None:
                progress.lose(event.urn, loss)
        elif (urn := self._guard_of(found)) is not None and progress.is_lost(urn):
            progress.lose(urn, loss or Loss(rows=0))

    def measure(self, found: Deployed) -> Loss | None:
        """The data in an object; None if it has none. Unknown if its cloud does not answer."""
        if found.urn not in self._measured:
            self._measured[found.urn] = self._measure(found)
        return self._measured[found.urn]

    def lost_by(self, plan: Plan, targets: Collection[str] = ()) -> list[LostObject]:
        """The objects with data that a deployment of a plan removes or replaces.

        Args:
            targets: Names of the ports that the run is limited to; none for all.
        """
        planned = {(each.type, each.name): each for each in planned_objects(plan)}
        components = {each.resource_name: each for each in plan.components()}
        lost: list[LostObject] = []
        for found in self._objects.values():
            component = components.get(found.component)
            if targets and (component is None or component.port not in targets):
                continue
            operation = _operation(found, component, planned)
            if operation is not None and (loss := self.measure(found)) is not None:
                lost.append(LostObject(found, loss, operation, component))
        return lost

    def replaceable(self, ports: Collection[str]) -> dict[str, Loss]:
        """The data of objects whose replacement another resource reports, in ports that may lose data."""
        guarded = [each for each in self._objects.values() if cloud_objects()[each.type].guard and each.port in ports]
        return {each.urn: loss for each in guarded if (loss := self.measure(each)) is not None}

    def _measure(self, found: Deployed) -> Loss | None:
        apart = {each.id for each in self._objects.values()}
        try:
            contents = cloud_objects()[found.type].contents(self.platform, found.id, apart=apart)
        except Failure as failure:
            where = f"{cloud_objects()[found.type].kind} {found.id}"
            self.notes.append(f"the number of rows or files in {where} is unknown: {failure.message.strip()}")
            return Loss()
        return Loss(contents.rows, contents.files) if contents is not None else None

    def _guard_of(self, found: Deployed) -> str | None:
        part = cloud_objects()[found.type]
        return next(
            (
                resource["urn"]
                for resource in self.state.get("resources") or ()
                if resource.get("type") == part.guard and resource.get("id") == part.guard_id(found.id)
            ),
            None,
        )


def losable(state: Mapping[str, Any]) -> Iterator[Deployed]:
    """The objects of a state that hold data of a port or need, and are deleted with their resource."""
    resources = state.get("resources") or ()
    parents = {resource["urn"]: resource.get("parent", "") for resource in resources}
    parts = cloud_objects()
    for resource in resources:
        part = parts.get(resource["type"])
        if part is None or not part.holds_data or resource.get("delete") or resource.get("retainOnDelete"):
            continue
        outer = _outermost(resource["urn"], parents)
        if outer is not None and _is_stateful(type_of(outer).removeprefix(COMPONENT_PREFIX)):
            yield Deployed(
                resource["urn"],
                resource["type"],
                str(resource.get("id", "")),
                plain(resource.get("inputs") or {}),
                name_of(outer),
                port_of(resource["urn"], parents),
                tuple(parents_of(resource["urn"], parents)),
            )


def refused_losses(lost: Iterable[LostObject], progress: Progress) -> dict[str, tuple[Problem, ...]]:
    """The problems of ports that stay and whose data a deployment would delete without permission, by port.

    The progress then has the objects. Objects of removed ports have a problem of their own
    (:func:`~alchemesh_platform.deployment.losses.refused_removals`).
    """
    places: dict[str, tuple[Problem, ...]] = {}
    for each in lost:
        component, found = each.component, each.found
        if component is None:
            continue
        show_loss(each.removed, progress, each.operation)
        what = f"{_words(each.loss)} of {cloud_objects()[found.type].kind} {found.id}"
        reason = "would be deleted: `keep_on_destroy: false` is deployed for it"
        words = f"{found.port}, {component.spec.name}: {what} {reason}"
        problem = Problem(component.location, component.path, words, allow_loss_hint([found.port]))
        places[found.port] = (*places.get(found.port, ()), problem)
    return places


def _operation(
    found: Deployed, component: PlannedComponent | None, planned: Mapping[tuple[str, str], PlannedObject]
) -> str | None:
    """The effect of a deployment on an object: ``delete``, ``replace``, or None if it keeps the object."""
    if component is None:
        return "delete"
    if component.spec.holds is None:  # its author names no objects: only a preview knows what happens to them
        return None
    wanted = planned.get((found.type, name_of(found.urn)))
    if wanted is None:
        return "delete"
    moved = any(
        name in found.inputs and str(found.inputs[name]).lower() != str(value).lower()
        for name, value in wanted.inputs.items()
    )
    return "replace" if moved or wanted.id != found.id else None


def _outermost(urn: str, parents: Mapping[str, str]) -> str | None:
    """The component of a port, need or code that a resource belongs to, also through components inside it."""
    found = None
    while urn:
        if type_of(urn).startswith(COMPONENT_PREFIX):
            found = urn
        urn = parents.get(urn, "")
    return found


def _is_stateful(name: str) -> bool:
    """Whether a component holds data. Copies that it can make again are none."""
    from alchemesh_platform.catalog.discover import BrokenComponent, discover

    try:
        spec = discover().get(name)
    except BrokenComponent:
        return True
    return spec is None or spec.stateful


def _words(loss: Loss) -> str:
    if loss.rows is not None:
        return f"{loss.rows:,} {'row' if loss.rows == 1 else 'rows'}"
    if loss.files is not None:
        return f"{loss.files:,} {'file' if loss.files == 1 else 'files'}"
    return "data of unknown amount"
