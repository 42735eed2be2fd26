"""Progress of a run, grouped by port of the product.

Receives engine events; the tree and the result read it. It has no side effects.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from alchemesh_platform.base.problems import Location, Problem
from alchemesh_platform.base.secrecy.recognise import hidden
from alchemesh_platform.compose.plan import Plan, PlannedComponent
from alchemesh_platform.deployment.grants.resources import COMPONENT_PREFIX, GRANT, request_of
from alchemesh_platform.engine.run.events import (
    Diagnostic,
    EngineEvent,
    PropertyDiff,
    ResourceFailed,
    ResourceOutputs,
    ResourcePre,
)
from alchemesh_platform.engine.run.property_path import at_path, unknown_paths
from alchemesh_platform.engine.urn import name_of, type_of
from alchemesh_platform.provider.difference import difference
from alchemesh_platform.provider.loss import Loss, split_loss
from alchemesh_platform.sdk.system.drift import Drift, split_drift

if TYPE_CHECKING:
    from alchemesh_platform.contracts.compatibility.step import PortStep

SectionKind = Literal["product", "input", "need", "code", "output"]
Operation = Literal["same", "create", "import", "update", "replace", "delete", "read", "drift"]
State = Literal["running", "done", "failed"]
# How far a port got. A run that succeeded has only ports that are done, or that it was not limited to.
Condition = Literal["done", "failed", "refused", "not completed", "not attempted", "not targeted"]

DATA_PRODUCT = "alchemesh:stacks:DataProduct"
INPUT_PORT = "alchemesh:stacks:InputPort"
OUTPUT_PORT = "alchemesh:stacks:OutputPort"
RECORD_PREFIX = "alchemesh:mesh:"
FOUNDATION = "alchemesh:mesh:Foundation"
ASSET = "alchemesh:mesh:Asset"
CONTRACT = "alchemesh:mesh:Contract"
PORT = "alchemesh:mesh:Port"
PRODUCT = "alchemesh:mesh:Product"
LINEAGE = "alchemesh:mesh:Lineage"
MANIFEST = "alchemesh:mesh:Manifest"
DOCUMENT = "document"  # the property of a manifest's record that contains the manifest

# Properties of the records of products and ports that follow from deployed resources: connections, identities.
FOLLOWS = re.compile(r"(?:^|\.|\[\")(?:connections?|identity)\b")

# Maps the engine's step names to the change that they belong to.
_OPERATIONS: Mapping[str, Operation] = {
    "same": "same",
    "create": "create",
    "import": "import",
    "update": "update",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "discard-replaced": "replace",
    "read": "read",
    "refresh": "same",
    "delete": "delete",
    "discard": "delete",
    "remove-pending-replace": "delete",
}


@dataclass(slots=True)
class Change:
    """The change of one resource.

    Args:
        called: The name of a failed resource in its service.
        inputs: The recorded inputs.
        outputs_before: The recorded outputs.
        drift: The drift that the handler of the resource has reported.
    """

    urn: str
    type: str
    name: str
    parent: str
    operation: Operation
    diffs: tuple[PropertyDiff, ...] = ()
    state: State = "running"
    outputs: Mapping[str, Any] = field(default_factory=dict)
    called: Any = None
    is_grant: bool = False
    planning: bool = False
    outputs_reported: int = 0
    loss: Loss | None = None
    is_compared: bool = False
    is_stateful: bool = False
    unknown: tuple[str, ...] = ()
    id: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs_before: Mapping[str, Any] = field(default_factory=dict)
    drift: Drift | None = None

    @property
    def is_group(self) -> bool:
        """Whether the resource only groups others: a component, a port, the product, the stack, a provider."""
        return self.type.startswith(("alchemesh:stacks:", COMPONENT_PREFIX, "pulumi:"))

    @property
    def own_diffs(self) -> tuple[PropertyDiff, ...]:
        """The differences that people declared. A record also has the connections of deployed resources."""
        if self.type not in (PRODUCT, PORT):
            return self.diffs
        return tuple(diff for diff in self.diffs if not FOLLOWS.search(diff.path))

    @property
    def shown_diffs(self) -> tuple[PropertyDiff, ...]:
        """The differences with paths that people know: those in a manifest have its own paths."""
        return tuple(_of_document(self.diffs)) if self.type == MANIFEST else self.diffs

    @property
    def declared_diffs(self) -> tuple[PropertyDiff, ...]:
        """The differences in the words of the manifest, with the names of ports."""
        return tuple(_of_document(self.diffs, in_words=True)) if self.type == MANIFEST else self.diffs

    @property
    def is_registered(self) -> bool:
        """Whether the program has declared everything in a group.

        The engine reports the outputs of a group when the group is complete; a preview reports them at its start too.
        """
        return self.outputs_reported > (1 if self.planning else 0)

    @property
    def is_record(self) -> bool:
        """Whether the resource is metadata of the registry."""
        return self.type.startswith(RECORD_PREFIX) and self.type != f"{RECORD_PREFIX}Subscription"

    def as_json(self) -> dict[str, Any]:
        """The change as plain JSON."""
        return {
            "name": self.name,
            "type": self.type,
            "operation": self.operation,
            "state": self.state,
            **({} if self.loss is None else {"rows_lost": self.loss.rows, "files_lost": self.loss.files}),
            "stateful": self.is_stateful,
            "replaced_by": [diff.path for diff in self.diffs if diff.replaces],
            "unknown": list(self.unknown),
            "diff": [
                {"path": diff.path, "kind": diff.kind, "old": old, "new": new}
                for diff in self.shown_diffs
                for old, new in (hidden(diff.path, diff.old, diff.new),)
            ],
        }


def _of_document(diffs: Iterable[PropertyDiff], *, in_words: bool = False) -> Iterator[PropertyDiff]:
    """The differences of a manifest's record. Its document is a JSON text in the state, and has paths of its own."""
    for diff in diffs:
        if diff.path != DOCUMENT or not (isinstance(diff.old, str) and isinstance(diff.new, str)):
            yield diff
            continue
        old, new = ({DOCUMENT: json.loads(text)} for text in (diff.old, diff.new))
        for path, kind in difference(old, new).items():
            place = _in_words(path, old if kind.startswith("delete") else new) if in_words else path
            yield PropertyDiff(place, kind, diff.input_diff, at_path(old, path), at_path(new, path))


def _in_words(path: str, record: Mapping[str, Any]) -> str:
    """A path as the manifest has it, with the name of a port for its number: ``output_ports[sales].contract``."""
    place = path.removeprefix(f"{DOCUMENT}.")
    if (item := re.match(r"(\w+)\[(\d+)\]", place)) is None:
        return place
    listed = record[DOCUMENT].get(item[1])
    number = int(item[2])
    found = listed[number] if isinstance(listed, list) and number < len(listed) else None
    name = found.get("name") if isinstance(found, Mapping) else None
    return f"{item[1]}[{name}]{place[item.end() :]}" if name else place


@dataclass(slots=True)
class Section:
    """A port, a need, the code or the product itself, with its changes and its contract step."""

    kind: SectionKind
    name: str
    component_type: str = ""
    components: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    location: Location | None = None
    changes: list[Change] = field(default_factory=list)
    step: PortStep | None = None
    expected: tuple[str, ...] = ()
    condition: Condition = "done"
    problems: tuple[Problem, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether the run reached everything of the section: its components, their resources and its record."""
        if not self.changes or any(change.state != "done" for change in self.changes):
            return False
        groups = {change.name: change for change in self.changes if change.type.startswith(COMPONENT_PREFIX)}
        if any(name not in groups or not groups[name].is_registered for name in self.expected):
            return False
        return (
            not self.expected
            or self.kind not in ("input", "output")
            or any(change.type == PORT for change in self.changes)
        )

    @property
    def is_begun(self) -> bool:
        """Whether the run reached a resource of the section. A group alone is only an announcement."""
        return any(not change.is_group for change in self.changes)

    @property
    def resources(self) -> list[Change]:
        """The changes of real resources, without groups and records."""
        return [change for change in self.changes if not change.is_group and not change.is_record]

    @property
    def operation(self) -> Operation:
        """The change of the section as a whole."""
        counted: set[Operation] = {
            change.operation for change in self.changes if not (change.is_group or change.is_grant)
        }
        counted -= {"same", "read"}
        if self.losses and counted != {"delete"}:
            return "replace"  # the deletion of data must be seen, whatever else changes
        if not counted:  # a port is not re-created if only its grants change
            return "update" if any(change.operation not in ("same", "read") for change in self.grants) else "same"
        if counted == {"create", "import"}:
            return "create"
        return counted.pop() if len(counted) == 1 else "update"

    @property
    def grants(self) -> list[Change]:
        """The changes of the port's grants."""
        return [change for change in self.changes if change.is_grant and not change.is_group]

    @property
    def losses(self) -> list[Change]:
        """The changes that delete data. A failed one has deleted none yet, as far as is known."""
        return [change for change in self.changes if change.loss is not None]

    @property
    def state(self) -> State:
        """Failed if one resource failed; done when every started resource is done."""
        states = {change.state for change in self.changes}
        if "failed" in states:
            return "failed"
        return "done" if states == {"done"} else "running"

    def as_json(self) -> dict[str, Any]:
        """The section as plain JSON."""
        return {
            "kind": self.kind,
            "name": self.name,
            "component_type": self.component_type,
            "components": list(self.components),
            "file": self.location.file if self.location is not None else None,
            "line": self.location.line if self.location is not None else None,
            "operation": self.operation,
            "state": self.condition,
            "resources": [change.as_json() for change in self.changes if not change.is_group],
            "problems": [problem.as_json() for problem in self.problems],
            **({"promise": self.step.as_json()} if self.step is not None else {}),
        }


class Progress:
    """Sections of a product, updated with each event.

    Args:
        plan: The deployed plan; None for a product that is only destroyed.
        steps: The contract steps of its output ports.
    """

    def __init__(
        self, plan: Plan | None = None, steps: Iterable[PortStep] = (), requests: Collection[str] = ()
    ) -> None:
        self._steps = {step.port: step for step in steps}
        self._planned = {section.name: section for section in _planned_sections(plan)} if plan else {}
        self._components = {planned.resource_name: planned for planned in plan.components()} if plan else {}
        granted = {granted.consumer.request for port in plan.outputs for granted in port.grants} if plan else set()
        self._requests = {*requests, *granted}
        self._changes: dict[str, Change] = {}
        self._losses: dict[str, Loss] = {}
        self._drifts: dict[str, Drift] = {}

    def on_event(self, event: EngineEvent) -> None:
        """Record one event of the engine."""
        if isinstance(event, ResourcePre):
            self._begin(event)
        elif isinstance(event, ResourceOutputs):
            change = self._begin(event)
            change.state = "done"
            change.outputs_reported += 1
            change.outputs = event.new_outputs or event.old_outputs or {}
            change.outputs_before = event.old_outputs or {}
        elif isinstance(event, ResourceFailed):
            change = self._begin(event)
            change.state = "failed"
            change.called = (event.new_inputs or {}).get("name")
        elif isinstance(event, Diagnostic) and event.severity == "warning":
            _sentence, loss = split_loss(event.message)
            if loss is not None:
                self.lose(event.urn, loss)
        elif isinstance(event, Diagnostic):
            _sentence, drift = split_drift(event.message)
            if drift is not None:
                self._drifts[event.urn] = drift
                if (reported := self._changes.get(event.urn)) is not None:
                    reported.drift = drift

    def lose(self, urn: str, loss: Loss) -> None:
        """Record that the change of a resource deletes data."""
        self._losses[urn] = loss
        if (reported := self._changes.get(urn)) is not None:
            _lose(reported, loss)

    def is_lost(self, urn: str) -> bool:
        """Whether the change of a resource deletes data."""
        return urn in self._losses

    def _begin(self, event: ResourcePre | ResourceOutputs | ResourceFailed) -> Change:
        change = self._changes.get(event.urn)
        operation = _OPERATIONS.get(event.op, "update")
        if change is None:
            change = Change(event.urn, event.type, event.name, event.parent, operation)
            self._changes[event.urn] = change
        elif operation != "same":
            change.operation = operation  # a refresh reports the drift only in the outputs
        if event.diffs:
            change.diffs = event.diffs
        if event.planning and event.op != "same" and event.new_inputs is not None:
            change.unknown = tuple(unknown_paths(event.new_inputs))
        # A refresh compares each resource. An update without a difference of properties changed no record: it is drift
        # that the provider has found, and `up` corrects it.
        change.is_compared = change.is_compared or event.op == "refresh"
        if change.is_compared and change.operation == "update" and not change.diffs:
            change.operation = "drift"
        change.planning = event.planning
        change.id = event.id or change.id
        change.inputs = event.old_inputs or change.inputs
        change.drift = self._drifts.get(event.urn)
        if (loss := self._losses.get(event.urn)) is not None:
            _lose(change, loss)
        return change

    def sections(self) -> list[Section]:
        """The sections: first the product, then the planned sections in the manifest's order, then the deleted ones."""
        found: dict[str, Section] = {"": Section("product", "")}
        for planned in self._planned.values():
            found[planned.name] = Section(
                planned.kind,
                planned.name,
                planned.component_type,
                planned.components,
                planned.protocols,
                planned.location,
                expected=planned.expected,
            )
        for change in self._changes.values():
            change.is_grant = self._is_grant(change)
            owner = None if change.is_group or change.is_record else self.planned_of(change.urn)
            change.is_stateful = owner is not None and owner.spec.stateful
            kind, name = self.section_of(change.urn)
            if name not in found:
                found[name] = Section(kind, name)
            found[name].changes.append(change)
        for section in found.values():
            section.step = self._steps.get(section.name) if section.kind == "output" else None
        return list(found.values())

    def section_of(self, urn: str) -> tuple[SectionKind, str]:
        """The section of a resource: the nearest port, need or code among its parents."""
        child_type, child_name = "", ""
        while urn:
            change = self._changes.get(urn)
            kind, name = type_of(urn), name_of(urn)
            if kind == INPUT_PORT:
                return "input", name
            if kind == OUTPUT_PORT:
                return "output", name
            if kind == DATA_PRODUCT:
                if child_type.startswith(COMPONENT_PREFIX):
                    return ("code" if child_name == "code" else "need"), child_name
                return "product", ""
            child_type, child_name = kind, name
            urn = change.parent if change else ""
        return "product", ""

    def _is_grant(self, change: Change) -> bool:
        """Whether a resource belongs to one consumer: the record of a grant, or a resource that gives access."""
        return change.type == GRANT or request_of(change.urn, self._parent_of, self._requests) is not None

    def _parent_of(self, urn: str) -> str:
        change = self._changes.get(urn)
        return change.parent if change is not None else ""

    def called(self, urn: str) -> str | None:
        """The name of a failed resource in its service, if known."""
        change = self._changes.get(urn)
        return change.called if change is not None and isinstance(change.called, str) else None

    def planned_of(self, urn: str) -> PlannedComponent | None:
        """The planned component of a resource: the nearest component among its parents."""
        while urn:
            if type_of(urn).startswith(COMPONENT_PREFIX) and name_of(urn) in self._components:
                return self._components[name_of(urn)]
            change = self._changes.get(urn)
            urn = change.parent if change else ""
        return None

    def section_of_failure(self, urn: str, name: str | None = None) -> str:
        """Name of the section that a failed resource belongs to, although the engine may not have reported it.

        Args:
            urn: URN of the resource; empty if the engine does not report it.
            name: Name of the resource, if it is known without its URN.
        """
        if urn in self._changes:
            return self.section_of(urn)[1]
        planned = self.planned_of_failure(urn, name)
        if planned is not None:
            return planned.port
        if urn and INPUT_PORT not in urn and OUTPUT_PORT not in urn:
            return ""
        name = name or name_of(urn)
        owners = [owner for owner in self._planned if name == owner or name.startswith(f"{owner}-")]
        return max(owners, key=len, default="")

    def planned_of_failure(self, urn: str, name: str | None = None) -> PlannedComponent | None:
        """The planned component of a failed resource, although the engine may not have reported the resource."""
        if urn in self._changes:
            return self.planned_of(urn)
        return None if urn and COMPONENT_PREFIX not in urn else self.planned_named(name or name_of(urn))

    def planned_named(self, name: str) -> PlannedComponent | None:
        """The planned component of a resource name: the names of children start with the component's name."""
        owners = [owner for owner in self._components if name == owner or name.startswith(f"{owner}-")]
        return self._components[max(owners, key=len)] if owners else None

    def changes(self) -> Iterator[Change]:
        """Every resource that the engine has reported."""
        yield from self._changes.values()

    def things(self) -> list[Change]:
        """The changes of real resources, without groups and records."""
        return [change for change in self.changes() if not (change.is_group or change.is_record)]

    def counts(self, *, records: bool = True) -> dict[str, int]:
        """Number of completed changes by operation. Records count too unless ``records`` is False."""
        changes = [change for change in self.changes() if not change.is_group] if records else self.things()
        counted = Counter(change.operation for change in changes if change.state == "done")
        return {operation: counted[operation] for operation in sorted(counted)}

    def named(self, pulumi_type: str) -> dict[str, list[str]]:
        """Addresses of the completed records of one type (asset, contract) by operation."""
        found: dict[str, list[str]] = {}
        for change in self.changes():
            if change.type == pulumi_type and change.state == "done":
                found.setdefault(change.operation, []).append(address_of(change))
        return {operation: sorted(addresses) for operation, addresses in sorted(found.items())}

    def records(self, pulumi_type: str, *, noted: bool = False) -> dict[str, int]:
        """Number of completed changes of records of one type by operation.

        Args:
            noted: Whether updates count that only follow from deployed resources.
        """
        return dict(
            Counter(
                change.operation
                for change in self.changes()
                if change.type == pulumi_type
                and change.state == "done"
                and (noted or change.operation not in ("update", "replace") or change.own_diffs)
            )
        )

    def grants(self) -> dict[str, list[dict[str, Any]]]:
        """The completed grants by operation, each with request, port, requester and purpose."""
        found: dict[str, list[dict[str, Any]]] = {}
        for change in sorted(self.changes(), key=lambda change: change.name):
            if change.type == GRANT and change.state == "done":
                found.setdefault(change.operation, []).append(grant_of(change))
        return dict(sorted(found.items()))

    @property
    def has_changes(self) -> bool:
        """Whether any resource is created, updated or deleted."""
        return any(change.operation not in ("same", "read") for change in self.changes() if not change.is_group)


def _lose(change: Change, loss: Loss) -> None:
    """A change that deletes data is a replacement, also where the engine updates the resource. A removal stays one."""
    change.loss = loss
    if change.operation in ("same", "update"):
        change.operation = "replace"


def address_of(change: Change) -> str:
    """The address of a record; the resource's name if the engine has not reported its inputs."""
    address = change.outputs.get("address")
    return address if isinstance(address, str) else change.name


def grant_of(change: Change) -> dict[str, Any]:
    """The consumer of a grant's record; the keys are the registry's property names."""
    outputs = change.outputs
    return {
        "request": address_of(change),
        "port": outputs.get("port", ""),
        "requester_kind": outputs.get("requesterKind", ""),
        "requester": outputs.get("requester", ""),
        "purpose": outputs.get("purpose", ""),
        "ends_at": outputs.get("endsAt"),
    }


def _planned_sections(plan: Plan) -> Iterator[Section]:
    for given in plan.inputs:
        yield _section("input", given.name, (given.component,))
    for need in plan.needs:
        yield _section("need", need.port, (need,))
    if plan.code is not None:
        yield _section("code", "code", (plan.code,))
    for output in plan.outputs:
        parts = (output.storage, output.proxy) if output.proxy else (output.storage,)
        yield _section("output", output.name, parts, output.protocols, output.location)


def _section(
    kind: SectionKind,
    name: str,
    parts: Sequence[PlannedComponent],
    protocols: tuple[str, ...] = (),
    location: Location | None = None,
) -> Section:
    return Section(
        kind,
        name,
        parts[0].component_type,
        tuple(part.spec.name for part in parts),
        protocols,
        location or parts[0].location,
        expected=tuple(part.resource_name for part in parts),
    )
