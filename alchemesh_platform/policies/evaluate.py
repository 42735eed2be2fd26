"""Evaluate policies on the facts about a product. Each policy gives one result for each outcome. No side effects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from alchemesh_platform.policies.expression import (
    CelMissing,
    EvaluationFailed,
    NotKnown,
    WrongExpression,
    bind,
    cel_is_installed,
    compiled,
)
from alchemesh_platform.policies.facts import Facts, components_of, plain
from alchemesh_platform.policies.models import Outcome, Policy, Scope
from alchemesh_platform.policies.results import Place, PolicyResult
from alchemesh_platform.policies.variables import VARIABLES

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.policies.given import GivenOperation, GivenRequest

_TELLING = (Outcome.ERROR, Outcome.VIOLATED, Outcome.NOT_EVALUATED)  # the outcomes that name their places, worst first


class _Answer(NamedTuple):
    outcome: Outcome
    message: str = ""
    hint: str = ""


def policies_for(
    loaded: LoadedManifest,
    policies: Iterable[Policy],
    *,
    plan: Plan | None = None,
    environment: str | None = None,
    domain_type: str | None = None,
) -> list[PolicyResult]:
    """Evaluate policies on a product.

    Args:
        loaded: The manifest.
        policies: The policies, in the order of the results.
        plan: The plan of the product, if it is composed; it also gives the environment.
        environment: The environment, if there is one without a plan.
        domain_type: Type of the product's domain, if the registry has the domain.

    Returns:
        For each policy, in the given order, one result for each of these outcomes: error, violated, not evaluated. A
        policy without any of them has one result: passed or not applicable. A faulty policy raises nothing; its result
        is an error.
    """
    facts = Facts(
        loaded.product,
        loaded.locate,
        domain_type=domain_type,
        environment=plan.environment if plan is not None else environment,
        components=components_of(plan) if plan is not None else None,
    )
    return evaluate(policies, facts)


def evaluate_request(policy: Policy, request: GivenRequest, environment: str | None) -> PolicyResult:
    """Evaluate an approval policy on an access request. Only the outcome ``passed`` approves the request."""
    domain, _, rest = request.port.partition("/")
    facts = {
        **{f"request.{name}": plain(value) for name, value in request if value is not None},
        "request.product": f"{domain}/{rest.partition('/')[0]}",
        "request.domain": domain,
        **({"environment": environment} if environment is not None else {}),
    }
    answer = _answer(policy, bind(Scope.REQUEST, facts)) if cel_is_installed() else _without_cel()
    return PolicyResult(policy.name, policy.effect, answer.outcome, answer.message, answer.hint)


def evaluate_operation(policy: Policy, operation: GivenOperation, environment: str | None) -> PolicyResult:
    """Evaluate a policy on an operation of a user."""
    facts: dict[str, Any] = {
        f"operation.{name}": getattr(operation, name) for name in ("name", "target", "delete_data", "reason")
    }
    facts["operation.own_request"] = operation.own_request
    facts |= {f"user.{name}": plain(value) for name, value in operation.user}
    if (product := operation.product) is not None:
        facts |= {f"product.{name}": plain(value) for name, value in product}
        facts["product.new_team"] = product.team if product.new_team is None else product.new_team
        facts["product.new_owner"] = product.owner if product.new_owner is None else product.new_owner
    if operation.domain is not None:
        facts |= {"domain.name": operation.domain, "domain.owner": operation.domain_owner}
    if operation.mesh is not None:
        facts |= {f"mesh.{name}": plain(value) for name, value in operation.mesh}
    if environment is not None:
        facts["environment"] = environment
    answer = _answer(policy, bind(Scope.OPERATION, facts)) if cel_is_installed() else _without_cel()
    return PolicyResult(policy.name, policy.effect, answer.outcome, answer.message, answer.hint)


def evaluate(policies: Iterable[Policy], facts: Facts) -> list[PolicyResult]:
    """Evaluate policies on the facts about a product; results as for :func:`policies_for`."""
    ordered = list(policies)
    if not cel_is_installed():
        return [result for policy in ordered for result in _results(policy, {_without_cel(): []})]
    answers: list[dict[_Answer, list[Place]]] = [{} for _ in ordered]
    shared = facts.variables()
    for scope in dict.fromkeys(policy.applies_to for policy in ordered):
        scoped = [(policy, found) for policy, found in zip(ordered, answers, strict=True) if policy.applies_to is scope]
        for subject in facts.subjects(scope):
            # Bind once for all policies: the library converts a value when the first expression needs it, and keeps it.
            bound = bind(scope, {**shared, **subject.variables})
            for policy, found in scoped:
                answer = _answer(policy, bound)
                places = found.setdefault(answer, [])
                if answer.outcome in _TELLING:
                    places.append(subject.place())
    return [result for policy, found in zip(ordered, answers, strict=True) for result in _results(policy, found)]


def _without_cel() -> _Answer:
    missing = CelMissing()
    return _Answer(Outcome.NOT_EVALUATED, f"{missing.message}: {missing.hint}", missing.hint or "")


def _answer(policy: Policy, bound: Any) -> _Answer:
    """The answer of one policy for one subject."""
    expression = "when"
    try:
        if policy.when is not None and not compiled(policy.when, policy.applies_to).holds(bound):
            return _Answer(Outcome.NOT_APPLICABLE)
        expression = "require"
        if compiled(policy.require, policy.applies_to).holds(bound):
            return _Answer(Outcome.PASSED)
    except NotKnown as unknown:
        source = VARIABLES[policy.applies_to][unknown.variable].source
        return _Answer(Outcome.NOT_EVALUATED, f"{unknown.variable} is not known here", source or "")
    except WrongExpression as wrong:
        return _Answer(Outcome.ERROR, f"{expression}: {wrong.message}", wrong.hint or "")
    except EvaluationFailed as failed:
        return _Answer(Outcome.ERROR, f"{expression}: {failed}", f"{policy.owner} owns the policy: report it to them")
    return _Answer(Outcome.VIOLATED, policy.message, policy.hint)


def _results(policy: Policy, found: dict[_Answer, list[Place]]) -> Iterator[PolicyResult]:
    reporting = sorted((answer for answer in found if answer.outcome in _TELLING), key=_order)
    for answer in reporting:
        points = (policy.points or 0) if answer.outcome is Outcome.VIOLATED else 0
        yield PolicyResult(
            policy.name, policy.effect, answer.outcome, answer.message, answer.hint, points, tuple(found[answer])
        )
    if not reporting:
        passed = any(answer.outcome is Outcome.PASSED for answer in found)
        yield PolicyResult(policy.name, policy.effect, Outcome.PASSED if passed else Outcome.NOT_APPLICABLE)


def _order(answer: _Answer) -> int:
    return _TELLING.index(answer.outcome)
