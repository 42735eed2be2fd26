"""The outcome of an operation, for the terminal, for ``--json`` and for a merge request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from alchemesh_platform.base.problems import Problem
from alchemesh_platform.deployment.progress import ASSET, CONTRACT, Progress

OperationName = Literal["preview", "up", "refresh", "destroy"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an operation on a product.

    ``problems`` are the failures, each with its port and its line in the manifest. ``notes`` inform the user although
    nothing failed, for example about retained data or a removed lock. ``forbidden`` are the problems in a preview that
    `up` will refuse. ``warnings`` stop nothing.
    """

    product: str
    environment: str
    operation: OperationName
    outcome: Literal["succeeded", "failed", "cancelled"]
    seconds: float
    progress: Progress
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    forbidden: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    emulated: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether the operation finished without failures."""
        return self.outcome == "succeeded"

    def as_json(self) -> dict[str, Any]:
        """The outcome as one JSON document."""
        return {
            "product": self.product,
            "environment": self.environment,
            "emulated": self.emulated,
            "operation": self.operation,
            "outcome": self.outcome,
            "seconds": round(self.seconds, 3),
            "changes": self.progress.counts(),
            "assets": self.progress.named(ASSET),
            "contracts": self.progress.named(CONTRACT),
            "grants": self.progress.grants(),
            "ports": [section.as_json() for section in self.progress.sections()],
            "problems": [problem.as_json() for problem in (*self.problems, *self.forbidden)],
            "warnings": [problem.as_json() for problem in self.warnings],
            "notes": list(self.notes),
        }
