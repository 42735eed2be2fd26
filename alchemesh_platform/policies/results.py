"""Results of a product's policies, and the standing that follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.base.problems import Location, Problem, Severity
from alchemesh_platform.policies.models import POINTS_MAX, Effect, Outcome


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the product: a path of the manifest, empty for the product itself, and its line."""

    path: str
    location: Location


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """One outcome of one policy, with every place where it came out so.

    A policy that is broken in one place and could not be evaluated in another has a result for each.

    Args:
        message: The policy's own where it is violated; what is not known, or what went wrong, where there is no answer.
        hint: The remedy.
        points: Deduction from the value score if it is violated.
        places: Where; empty when it passed or did not apply.
    """

    policy: str
    effect: Effect
    outcome: Outcome
    message: str = ""
    hint: str = ""
    points: int = 0
    places: tuple[Place, ...] = ()

    @property
    def forbids(self) -> bool:
        """Whether the product must not be deployed: a policy that denies is broken, or could not be evaluated."""
        return self.effect is Effect.DENY and self.outcome in {Outcome.VIOLATED, Outcome.ERROR}

    def problems(self) -> Iterator[Problem]:
        """The result at its lines, where it is violated or an error: an error where it forbids, a warning otherwise."""
        if self.outcome in {Outcome.VIOLATED, Outcome.ERROR}:
            severity: Severity = "error" if self.forbids else "warning"
            for place in self.places:
                message = f"policy {self.policy}: {self.message}"
                yield Problem(place.location, place.path, message, self.hint or None, severity)

    def as_json(self) -> dict[str, Any]:
        """The result as one JSON object."""
        return {
            "policy": self.policy,
            "effect": self.effect.value,
            "outcome": self.outcome.value,
            "message": self.message,
            "hint": self.hint or None,
            "points": self.points,
            "places": [
                {
                    "path": place.path,
                    "file": place.location.file,
                    "line": place.location.line,
                    "column": place.location.column,
                }
                for place in self.places
            ],
        }


@dataclass(frozen=True, slots=True)
class Deduction:
    """Points that a broken policy takes off the value score."""

    policy: str
    points: int
    message: str


@dataclass(frozen=True, slots=True)
class ValueScore:
    """The value of a product as its policies see it, with the explanation.

    Args:
        value: From 0 to 100.
        deductions: The deductions; their sum may exceed the score.
        open: Devaluing policies that have no answer, so that the score may be lower than it seems.
    """

    value: int
    deductions: tuple[Deduction, ...] = ()
    open: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The score as one JSON object."""
        return {
            "value": self.value,
            "deductions": [
                {"policy": each.policy, "points": each.points, "message": each.message} for each in self.deductions
            ],
            "open": list(self.open),
        }


def value_score(results: Iterable[PolicyResult]) -> ValueScore:
    """The value score: 100 minus the points of each devaluing policy that is broken, once however many places."""
    devaluing = [result for result in results if result.effect is Effect.DEVALUE]
    deductions = tuple(
        Deduction(result.policy, result.points, result.message)
        for result in devaluing
        if result.outcome is Outcome.VIOLATED
    )
    without_answer = {
        result.policy for result in devaluing if result.outcome in {Outcome.NOT_EVALUATED, Outcome.ERROR}
    } - {deduction.policy for deduction in deductions}
    value = max(0, POINTS_MAX - sum(deduction.points for deduction in deductions))
    return ValueScore(value, deductions, tuple(sorted(without_answer)))


def unanswered(results: Iterable[PolicyResult]) -> dict[str, tuple[str, ...]]:
    """Unknown facts: the policies that could not be evaluated without them."""
    found: dict[str, list[str]] = {}
    for result in results:
        if result.outcome is Outcome.NOT_EVALUATED:
            found.setdefault(result.message, []).append(result.policy)
    return {message: tuple(policies) for message, policies in found.items()}
