"""Events of a running use case. The caller passes a listener; without one, nothing is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.base.failure import Failure
    from alchemesh_platform.base.problems import Problem
    from alchemesh_platform.compose.foundation import Foundation
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.deployment.report.outcome import OperationName, Outcome
    from alchemesh_platform.deployment.report.progress import Progress
    from alchemesh_platform.engine.run.events import EngineEvent
    from alchemesh_platform.foundations.outcome import FoundationOperation, FoundationOutcome
    from alchemesh_platform.mesh_repo.difference import MeshDiff
    from alchemesh_platform.registry.records import AccessRequestRecord


@dataclass(frozen=True, slots=True)
class Noted:
    """One line for the user: a slow step, or a finding and its repair."""

    line: str


@dataclass(frozen=True, slots=True)
class Warned:
    """A problem that does not stop the run, with its line."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The engine starts an operation on a product. ``progress`` changes until :class:`RunEnded`."""

    operation: OperationName
    plan: Plan
    progress: Progress


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The engine ended an operation on a product."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class FoundationStarted:
    """The engine starts an operation on a foundation."""

    operation: FoundationOperation
    foundation: Foundation


@dataclass(frozen=True, slots=True)
class FoundationEnded:
    """The engine ended an operation on a foundation."""

    foundation: Foundation
    outcome: FoundationOutcome


@dataclass(frozen=True, slots=True)
class EngineReported:
    """An event of the engine, between the start and the end of an operation."""

    event: EngineEvent


@dataclass(frozen=True, slots=True)
class RequestDecided:
    """A decision on an access request was recorded; its deployment may follow."""

    request: AccessRequestRecord


@dataclass(frozen=True, slots=True)
class GrantsApplied:
    """The grants of a product were updated to match the decisions.

    Args:
        outcome: The outcome; None if no grant had to change.
    """

    product: str
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class GrantsNotApplied:
    """The grants of a product could not be deployed. The run continues with the next product."""

    product: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class MeshCompared:
    """The mesh repo was compared with the recorded mesh."""

    difference: MeshDiff


Event = (
    Noted
    | Warned
    | RunStarted
    | RunEnded
    | FoundationStarted
    | FoundationEnded
    | EngineReported
    | RequestDecided
    | GrantsApplied
    | GrantsNotApplied
    | MeshCompared
)
Listener = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """The listener of a caller that shows nothing."""


def notes_to(listen: Listener) -> Callable[[str], None]:
    """A function that reports a line to a listener."""
    return lambda line: listen(Noted(line))
