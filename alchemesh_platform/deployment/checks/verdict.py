"""The checks of a run before the engine starts: mesh, policies and contracts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_platform.access.approval.auto import auto_approval
from alchemesh_platform.access.grants.desired_grants import waiting_problems, with_grants
from alchemesh_platform.access.requests.expiry import expire_due
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import Problem, Severity, errors_of, in_file_order
from alchemesh_platform.base.remedy import command, joined, remedy
from alchemesh_platform.contracts.notices.rights import check_overrides
from alchemesh_platform.deployment.checks.commitments import broken_commitments, commitment_problems
from alchemesh_platform.deployment.checks.governance import govern
from alchemesh_platform.deployment.checks.promises import (
    Override,
    held_problems,
    notice_problems,
    rule_problems,
    steps_of,
)
from alchemesh_platform.deployment.checks.renames import rename_problems
from alchemesh_platform.deployment.foundation_outputs import FoundationMissing, foundation_problems, with_foundations
from alchemesh_platform.deployment.grants.input_access import (
    AccessMissing,
    InputAccess,
    access_problems,
    announcements,
    input_access,
)
from alchemesh_platform.deployment.objects.owners import ForeignObjects
from alchemesh_platform.policies.expression import CelMissing, cel_is_installed

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.contracts.compatibility.step import PortStep
    from alchemesh_platform.deployment.report.outcome import OperationName
    from alchemesh_platform.levels.commitment import Commitment
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.policies.results import PolicyResult
    from alchemesh_platform.registry.store import Registry

DEPLOYING = ("preview", "up")


class ForbiddenByContract(Failure):
    """Raised when a contract forbids a run; each reason is reported at its line."""

    exit_code = ExitCode.FORBIDDEN

    def __init__(self, problems: Collection[Problem]) -> None:
        self.problems = tuple(problems)
        texts = joined("\n\n", (problem.as_text() for problem in self.problems))
        super().__init__(
            remedy("a contract forbids it\n\n{}", texts),
            hint=remedy("{} shows every change and its consequences", command("contract", "diff", about_product=True)),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of the checks of a run.

    Args:
        plan: The plan to deploy, with the outputs of shared stacks and all grants.
        warnings: Warnings, each with its line.
        problems: Problems that `up` refuses. A preview continues and shows them with the changes.
        steps: The contract step of each port.
        inputs: The product's access to the ports that it reads.
        notes: Announcements of a preview about that access.
        waiting: The warnings that `up` would refuse now: a notice period, missing access, a missing stack.
        places: The ``problems``, by the name of their port.
        foreign: Objects in a cloud that another owner has. The plan does not import them.
        results: The results of the policies.
        broken: The commitments that are broken now, of the ports whose contracts change.
    """

    plan: Plan
    warnings: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()
    steps: tuple[PortStep, ...] = ()
    inputs: tuple[InputAccess, ...] = ()
    notes: tuple[str, ...] = ()
    waiting: tuple[Problem, ...] = ()
    places: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    foreign: ForeignObjects = field(default_factory=ForeignObjects)
    results: tuple[PolicyResult, ...] = ()
    broken: tuple[Commitment, ...] = ()


def before_engine(
    registry: Registry,
    manifest: LoadedManifest,
    plan: Plan,
    operation: OperationName,
    now: datetime,
    *,
    targets: Collection[str] = (),
    override: Override | None = None,
    strict: bool = False,
) -> Verdict:
    """Check a run before the engine starts. Call this under the stack's lock.

    Args:
        registry: The registry.
        manifest: The manifest.
        plan: The plan of the manifest for an environment.
        operation: The operation.
        now: The time, with its time zone.
        targets: Names of ports that the run is limited to; none for all.
        override: The user that overrides a notice period, and the reason.
        strict: Whether a preview refuses a change that must wait for consumers, as `up` does.

    Raises:
        ProblemsFound: when the mesh lacks the product's domain, team, owner or source systems.
        Forbidden: when a policy forbids it.
        CelMissing: when the policies cannot be evaluated on this machine; a preview warns instead.
        FoundationMissing: when a shared stack is not deployed; not in a preview.
        ForbiddenByContract: when a contract forbids it; not in a preview.
        AccessMissing: when the product lacks access to an input; not in a preview.
        NotAllowed: when the user lacks the right to override.
    """
    if operation == "refresh":
        return Verdict(plan)
    if override is not None:
        check_overrides(registry, plan.environment, override.identity)
    if operation == "up":
        expire_due(registry, plan.environment, plan.product.address, now)
    plan = with_grants(registry, with_foundations(registry, plan), now)
    previewing = operation == "preview"
    warnings: list[Problem] = []
    waiting: list[Problem] = []
    inputs: list[InputAccess] = []
    results: tuple[PolicyResult, ...] = ()
    if operation == "up" and not cel_is_installed():
        raise CelMissing
    if operation in DEPLOYING:
        failed: list[str] = []
        auto = auto_approval(registry, plan.environment, failed.append)
        inputs = input_access(registry, plan, now, targets=targets, auto=auto)
        warnings += [Problem(plan.location, "", line, severity="warning") for line in dict.fromkeys(failed)]
        governed = govern(registry, manifest, plan)
        warnings += governed.warnings
        results = governed.results
        warnings += rename_problems(registry, manifest, plan)
        warnings += notice_problems(registry, plan, now)
        warnings += waiting_problems(plan)
        unfounded = foundation_problems(plan, "warning" if previewing else "error")
        waiting += unfounded if previewing else []
        if errors_of(unfounded):
            raise FoundationMissing(in_file_order(unfounded))
    steps = steps_of(registry, plan.environment, manifest, operation, now, targets=targets)
    broken: tuple[Commitment, ...] = ()
    if operation in DEPLOYING:
        broken = broken_commitments(registry, plan.environment, plan.product.address, steps, now)
        warnings += commitment_problems(broken, manifest)
    judged = _judged(steps, manifest, held="error" if override is None and (strict or not previewing) else "warning")
    warnings += [*judged.warnings, *([] if previewing else judged.held)]
    waiting += judged.held if previewing else []
    waiting += access_problems(inputs, plan, "warning") if previewing else []
    refused = [problem for found in judged.forbidden.values() for problem in found]
    if not previewing:
        if refused:
            raise ForbiddenByContract(in_file_order(refused))
        if missing := access_problems(inputs, plan, "error"):
            raise AccessMissing(in_file_order(missing))
    return Verdict(
        plan,
        tuple(in_file_order((*warnings, *waiting))),
        tuple(in_file_order(refused)),
        tuple(steps),
        tuple(inputs),
        announcements(inputs),
        tuple(in_file_order(waiting)),
        {port: tuple(found) for port, found in judged.forbidden.items() if found},
        results=results,
        broken=broken,
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """The problems of contracts: those that forbid the run, by port; those that wait for consumers; warnings."""

    forbidden: Mapping[str, list[Problem]]
    held: list[Problem]
    warnings: list[Problem]


def _judged(steps: Sequence[PortStep], manifest: LoadedManifest, *, held: Severity) -> _Judged:
    """The contract problems of the steps. A change that must wait forbids the run if ``held`` is an error."""
    forbidden: dict[str, list[Problem]] = {}
    warnings: list[Problem] = []
    for port, found in rule_problems(steps, manifest).items():
        forbidden[port] = errors_of(found)
        warnings += [problem for problem in found if problem not in forbidden[port]]
    waiting = held_problems(steps, manifest, held)
    if held == "warning":
        return _Judged(forbidden, [problem for found in waiting.values() for problem in found], warnings)
    for port, found in waiting.items():
        forbidden.setdefault(port, []).extend(found)
    return _Judged(forbidden, [], warnings)
