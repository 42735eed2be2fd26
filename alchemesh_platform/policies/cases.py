"""Run policies against their recorded cases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.base.problems import Location, ProblemsFound
from alchemesh_platform.base.units import parse_duration
from alchemesh_platform.documents.document import Node
from alchemesh_platform.policies.evaluate import evaluate, evaluate_operation, evaluate_request
from alchemesh_platform.policies.facts import Component, Facts, plain
from alchemesh_platform.policies.given import GivenOperation, GivenRequest, PolicyCase
from alchemesh_platform.policies.load import LoadedPolicy, case_product
from alchemesh_platform.policies.models import Outcome, Policy, Scope
from alchemesh_platform.policies.results import Place, PolicyResult

# If a case has several outcomes in different places, the first of this order counts.
WORST_FIRST = (Outcome.ERROR, Outcome.VIOLATED, Outcome.NOT_EVALUATED, Outcome.PASSED, Outcome.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of one recorded case.

    Args:
        at: Places with this outcome; ``expected_at`` are the expected ones, None if the case names none.
        message: The message of the policy.
    """

    case: str
    location: Location
    expected: Outcome
    got: Outcome
    expected_at: tuple[str, ...] | None
    at: tuple[str, ...]
    message: str

    @property
    def as_expected(self) -> bool:
        """Whether the outcome and its places are the recorded ones."""
        return self.got is self.expected and (self.expected_at is None or set(self.expected_at) == set(self.at))

    def as_json(self) -> dict[str, Any]:
        """The result as one JSON object."""
        return {
            "case": self.case,
            "file": self.location.file,
            "line": self.location.line,
            "expected": self.expected.value,
            "got": self.got.value,
            "expected_at": None if self.expected_at is None else list(self.expected_at),
            "at": list(self.at),
            "message": self.message,
            "as_expected": self.as_expected,
        }


def run_cases(loaded: LoadedPolicy) -> list[CaseResult]:
    """Run a policy against each of its cases, in the order of the file."""
    nodes = [node for _, node in loaded.tree.each("cases")]
    return [_run(loaded, case, node) for case, node in zip(loaded.policy.cases, nodes, strict=True)]


def hint_on_literals(policy: Policy) -> str | None:
    """A hint on a text of an expression that no value is equal to; None if there is none."""
    expression = f"{policy.when or ''} {policy.require}"
    spans = [text for text in re.findall(r"(?<!duration\()['\"](\d+(?:s|m|h|d|w))['\"]", expression) if _is_span(text)]
    if spans:
        span = parse_duration(spans[0])
        return (
            f"a span of time has milliseconds here: {spans[0]} is '{plain(span)}'. "
            f"Compare duration(…) with duration('{int(span.total_seconds())}s')"
        )
    percent = re.search(r"['\"](\d+(?:\.\d+)?)%['\"]", expression)
    return f"a percentage is a number here: {percent[1]}% is {percent[1]}" if percent is not None else None


def _is_span(text: str) -> bool:
    try:
        parse_duration(text)
    except ValueError:
        return False
    return True


def _run(loaded: LoadedPolicy, case: PolicyCase, node: Node) -> CaseResult:
    results = _results(loaded.policy, case, node)
    result = min(results, key=_rank)
    at = tuple(place.path for place in result.places)
    return CaseResult(case.name, node.location, case.expect, result.outcome, case.at, at, result.message)


def _results(policy: Policy, case: PolicyCase, node: Node) -> list[PolicyResult]:
    if policy.applies_to is Scope.REQUEST:
        return [evaluate_request(policy, case.given.request or GivenRequest(), case.given.environment)]
    if policy.applies_to is Scope.OPERATION:
        return [evaluate_operation(policy, case.given.operation or GivenOperation(), case.given.environment)]
    return evaluate([policy], _facts(case, node.keys["given"]))


def _facts(case: PolicyCase, given: Node) -> Facts:
    product, problems = case_product(given)
    if product is None:
        raise ProblemsFound(problems)
    place = given.keys.get("product") or given
    return Facts(
        product,
        place.locate,
        domain_type=case.given.domain.type if case.given.domain is not None else None,
        environment=case.given.environment,
        components=_components(case, given),
    )


def _components(case: PolicyCase, given: Node) -> tuple[Component, ...] | None:
    if case.given.components is None:
        return None
    return tuple(
        Component(plain(component), Place(f"components[{index}]", given.locate(("components", index))))
        for index, component in enumerate(case.given.components)
    )


def _rank(result: PolicyResult) -> int:
    return WORST_FIRST.index(result.outcome)
