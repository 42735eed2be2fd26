"""The recorded outputs of the shared stacks that a product depends on: its platform and its domain."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.problems import Problem, Severity
from alchemesh_platform.base.remedy import command, joined, remedy
from alchemesh_platform.compose.plan import FoundationRef, Plan
from alchemesh_platform.registry.records import FoundationRecord
from alchemesh_platform.sdk.spec import Role

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


class FoundationMissing(Failure):
    """Raised when a shared stack of a product is not deployed; reports each at the line that needs it."""

    def __init__(self, problems: Collection[Problem]) -> None:
        self.problems = tuple(problems)
        texts = joined("\n\n", (problem.as_text() for problem in self.problems))
        super().__init__(remedy("a shared stack of the product is not deployed\n\n{}", texts))


def with_foundations(registry: Registry, plan: Plan) -> Plan:
    """The plan with the outputs of each shared stack; None for a stack that is not deployed."""
    found = []
    for foundation in plan.foundations:
        record = registry.get(FoundationRecord, plan.environment, foundation.project)
        found.append(replace(foundation, outputs=record.outputs if record is not None else None))
    return replace(plan, foundations=tuple(found))


def foundation_problems(plan: Plan, severity: Severity) -> list[Problem]:
    """Each missing stack, at the first line of a component that refers to it."""
    return [problem for each in plan.foundations if each.outputs is None for problem in _missing(each, plan, severity)]


def _missing(foundation: FoundationRef, plan: Plan, severity: Severity) -> Iterator[Problem]:
    needing = next((one for one in plan.components() if foundation.role in one.spec.depends_on), None)
    if needing is None:
        return
    domain = plan.product.domain
    whose = f"the stack of domain {domain}" if foundation.role is Role.DOMAIN else "the platform's stack"
    words = ("domain", "up", domain) if foundation.role is Role.DOMAIN else ("platform", "up")
    deploy = command(*words, environment=plan.environment, emulated=plan.emulated)
    message = f"{whose} is not deployed in {plan.environment}, and {needing.spec.name} refers to its outputs"
    if severity == "warning":
        message += ": the preview uses names that follow from the platform file, and `up` will refuse"
    yield Problem(needing.location, needing.path, message, remedy("{}", deploy), severity)
