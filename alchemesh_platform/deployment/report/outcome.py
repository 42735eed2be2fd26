"""The outcome of an operation, for the terminal, for ``--json``, for the exit code and for a merge request.

One value decides: :class:`Outcome`. The marks of the tree, the words below it, the JSON document and the exit code read
it, so they always agree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.problems import Problem
from alchemesh_platform.deployment.checks.consequences import Consequences
from alchemesh_platform.deployment.report.drift import Drifted
from alchemesh_platform.deployment.report.progress import ASSET, CONTRACT, Change, Condition, Progress, Section

OperationName = Literal["preview", "up", "refresh", "destroy"]
Ended = Literal["succeeded", "failed", "cancelled"]
OutcomeWord = Literal["succeeded", "refused", "failed", "cancelled"]

_GROUPS = ("alchemesh:stacks:InputPort", "alchemesh:stacks:OutputPort", "alchemesh:components:")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an operation on a product.

    Args:
        ended: How the engine's run ended.
        problems: The failures, each with its port and its line in the manifest.
        places: The failures, and the problems that `up` refuses, by the name of their port; of the product under "".
        notes: Facts for the user although nothing failed, for example about retained data or a removed lock.
        forbidden: The problems in a preview that `up` will refuse.
        waiting: Warnings of a preview that `up` would refuse now: a notice period, missing access, a missing stack.
        warnings: Warnings. They include ``waiting``.
        targets: Names of the ports that the run was limited to; none for all.
        is_recorded: Whether the registry recorded the product before the run.
        consequences: The effect of a preview on others: owners, policies, commitments, prices.
        preview_only: Whether a refresh only compared, and recorded nothing.
        offline: Whether a preview read neither the state nor the registry.
        differences: The resources that a refresh found to differ from their records.
    """

    product: str
    environment: str
    operation: OperationName
    ended: Ended
    seconds: float
    progress: Progress
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    forbidden: tuple[Problem, ...] = ()
    waiting: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    emulated: bool = False
    places: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    is_recorded: bool = True
    consequences: Consequences = field(default_factory=Consequences)
    preview_only: bool = False
    offline: bool = False
    differences: tuple[Drifted, ...] = ()

    @property
    def outcome(self) -> OutcomeWord:
        """The outcome in one word. ``refused`` is a preview of changes that `up` refuses."""
        if self.ended == "failed" or self.problems or any(_failed(section) for section in self.progress.sections()):
            return "failed"
        if self.forbidden:
            return "refused"
        return "cancelled" if self.ended == "cancelled" else "succeeded"

    @property
    def drift(self) -> tuple[Drifted, ...]:
        """The resources that were changed or removed by hand."""
        return tuple(each for each in self.differences if not each.expected)

    @property
    def expected_differences(self) -> tuple[Drifted, ...]:
        """The differences that follow from normal work: nobody changed the resource by hand."""
        return tuple(each for each in self.differences if each.expected)

    @property
    def losing(self) -> dict[str, list[Change]]:
        """The changes that delete data, by the name of their port."""
        found = {section.name: section.losses for section in self.progress.sections()}
        return {name: changes for name, changes in found.items() if changes}

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """Names of the ports whose data a deployment of this preview deletes. `up` needs a permission for each."""
        return tuple(self.losing) if self.operation == "preview" else ()

    @property
    def succeeded(self) -> bool:
        """Whether the operation finished without failures, and `up` does not refuse what it previewed."""
        return self.outcome == "succeeded"

    @property
    def is_up_possible(self) -> bool:
        """Whether `up` can follow this preview now."""
        return self.succeeded and not self.waiting and not self.unconfirmed

    @property
    def failures(self) -> int:
        """Number of failures: what the engine reported, or else one."""
        return max(len(self.problems), 1) if self.outcome == "failed" else 0

    def exit_code(self, *, detailed: bool = False, strict: bool = False) -> ExitCode:
        """The exit code of the command.

        Args:
            detailed: Whether a preview with changes, or a refresh with drift, has its own exit code. Then a run without
                anything to compare with has its own, too.
            strict: Whether a preview that has nothing to compare with has its own exit code.
        """
        if self.outcome == "refused":
            return ExitCode.FORBIDDEN
        if self.outcome != "succeeded":
            return ExitCode.FAILED
        previewed = self.operation == "preview" or self.preview_only
        if previewed and not self.is_recorded and (detailed or strict):
            return ExitCode.UNRECORDED
        if self.operation == "refresh":
            return ExitCode.CHANGES if detailed and self.drift else ExitCode.DONE
        return ExitCode.CHANGES if detailed and self.progress.has_changes else ExitCode.DONE

    def sections(self) -> list[Section]:
        """The sections of the product, each with its condition and its problems."""
        sections = self.progress.sections()
        for section in sections:
            section.problems = self.places.get(section.name, ())
            section.condition = self._condition(section)
        if self.outcome in ("failed", "refused") and not any(has_problem(section) for section in sections):
            sections[0].condition = "failed" if self.outcome == "failed" else "refused"
            sections[0].problems = self.problems or self.forbidden
        return sections

    def as_json(self) -> dict[str, Any]:
        """The outcome as one JSON document."""
        return {
            "product": self.product,
            "environment": self.environment,
            "emulated": self.emulated,
            "operation": self.operation,
            "outcome": self.outcome,
            "recorded": self.is_recorded,
            "seconds": round(self.seconds, 3),
            "changes": self.progress.counts(),
            "resource_changes": self.progress.counts(records=False),
            "failures": self.failures,
            "losses": [
                {"port": port, "resource": change.name, "rows": change.loss.rows, "files": change.loss.files}
                for port, changes in self.losing.items()
                for change in changes
                if change.loss is not None
            ],
            "assets": self.progress.named(ASSET),
            "contracts": self.progress.named(CONTRACT),
            "grants": self.progress.grants(),
            "ports": [section.as_json() for section in self.sections()],
            "problems": [problem.as_json() for problem in (*self.problems, *self.forbidden)],
            "waiting": [problem.as_json() for problem in self.waiting],
            "warnings": [problem.as_json() for problem in self.warnings],
            "notes": list(self.notes),
            **self.consequences.as_json(),
            "preview_only": self.preview_only or self.operation == "preview",
            "offline": self.offline,
            "drift": [each.as_json() for each in self.drift],
            "drift_expected": [each.as_json() for each in self.expected_differences],
        }

    def _condition(self, section: Section) -> Condition:
        if _failed(section):
            return "failed"
        if section.problems:
            return "failed" if any(problem in self.problems for problem in section.problems) else "refused"
        if self.ended == "succeeded":
            return "not targeted" if _is_outside(section, self.targets) else "done"
        if section.kind == "product" and not section.is_begun:
            return "not attempted"
        complete = _is_removed(section) if self.operation == "destroy" else section.is_complete
        if complete or (self.operation == "refresh" and section.changes and section.state == "done"):
            return "done"
        return "not completed" if section.is_begun else "not attempted"


def allowing(ports: Iterable[str]) -> list[str]:
    """The options of `up` that allow to delete the data of ports."""
    return [word for port in ports for word in ("--allow-data-loss", port)]


def merged(*places: Mapping[str, tuple[Problem, ...]]) -> dict[str, tuple[Problem, ...]]:
    """Problems by section from several sources."""
    found: dict[str, tuple[Problem, ...]] = {}
    for each in places:
        for section, problems in each.items():
            found[section] = (*found.get(section, ()), *problems)
    return found


def has_problem(section: Section) -> bool:
    """Whether a section of an ended run failed, or is refused."""
    return section.condition in ("failed", "refused")


def _failed(section: Section) -> bool:
    return any(change.state == "failed" for change in section.changes)


def _is_removed(section: Section) -> bool:
    """Whether `destroy` removed the port itself, which it does last."""
    return (
        bool(section.changes)
        and all(change.state == "done" for change in section.changes)
        and any(change.operation == "delete" and change.type.startswith(_GROUPS) for change in section.changes)
    )


def _is_outside(section: Section, targets: Collection[str]) -> bool:
    if not targets or section.kind == "product" or section.name in targets:
        return False
    return all(change.operation in ("same", "read") for change in section.changes)
