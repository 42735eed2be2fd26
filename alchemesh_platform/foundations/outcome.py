"""The outcome of an operation on a foundation, which one value decides as for a product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from alchemesh_platform.compose.plan import Kept
from alchemesh_platform.deployment.report.outcome import Outcome
from alchemesh_platform.deployment.report.progress import Change
from alchemesh_platform.engine.run.events import EngineEvent, ResourceEvent, ResourceOutputs, ResourcePre

FoundationOperation = Literal["preview", "up", "refresh", "destroy"]
# The engine's operations on resources that do not change.
_SILENT = ("same", "read")


@dataclass(frozen=True, slots=True)
class FoundationOutcome(Outcome):
    """The outcome of an operation on a foundation. ``product`` is its title, and ``places`` are by resource.

    Args:
        stack: The Pulumi project of its stack.
        outputs: The stack's outputs after a successful `up`, as products read them.
        kept: The protected resources that a `destroy` left.
        is_kept_by_registry: Whether the registry records the outputs.
    """

    stack: str = ""
    outputs: Mapping[str, Any] | None = None
    kept: tuple[Kept, ...] = ()
    is_kept_by_registry: bool = False

    @property
    def resources(self) -> list[Change]:
        """The changes of resources and of the foundation's record, by type and name."""
        changed = (one for one in self.progress.changes() if not one.is_group)
        return sorted(
            (one for one in changed if one.operation not in _SILENT or one.state == "failed"),
            key=lambda change: (change.type, change.name),
        )

    def state_of(self, change: Change) -> Literal["done", "failed", "not completed"]:
        """How far the change of a resource got."""
        if change.state == "done":
            return "done"
        return "failed" if change.state == "failed" or change.name in self.places else "not completed"

    @property
    def counted(self) -> dict[str, int]:
        """Number of completed changes by operation."""
        done = [one.operation for one in self.resources if self.state_of(one) == "done"]
        return {operation: done.count(operation) for operation in sorted({*done})}

    def as_json(self) -> dict[str, Any]:
        """The outcome as one JSON document."""
        return {
            "foundation": self.product,
            "stack": self.stack,
            "emulated": self.emulated,
            "operation": self.operation,
            "outcome": self.outcome,
            "changes": [
                {
                    "operation": change.operation,
                    "type": change.type,
                    "name": change.name,
                    "state": self.state_of(change),
                }
                for change in self.resources
            ],
            "failures": self.failures,
            "outputs": self.outputs,
            "recorded": self.is_kept_by_registry if self.outputs is not None else None,
            "kept": [{"type": kept.type, "name": kept.name, "id": kept.id} for kept in self.kept],
            "problems": [problem.as_json() for problem in self.problems],
            "notes": list(self.notes),
        }


class StepsOnly:
    """Leaves out what the engine reads before its steps: it refreshes each resource of a foundation first.

    Args:
        operation: The operation. A `refresh` only reads, so it leaves out nothing.
    """

    def __init__(self, operation: FoundationOperation) -> None:
        self._reads = operation != "refresh"
        self._reading: set[str] = set()

    def __call__(self, event: EngineEvent) -> bool:
        """Whether an event belongs to a step."""
        if not self._reads or not isinstance(event, ResourceEvent):
            return True
        if isinstance(event, ResourcePre) and event.op == "refresh":
            self._reading.add(event.urn)
            return False
        if event.urn in self._reading:
            self._reading.discard(event.urn)
            return not isinstance(event, ResourceOutputs)
        return True
