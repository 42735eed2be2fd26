"""Results of a product's policies, and the value score that follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from alchemesh_platform.base.problems import Location, Problem, Severity
from alchemesh_platform.policies.models import POINTS_MAX, Effect, Outcome


class Place(NamedTuple):
    """A place in the product: a path of the manifest, empty for the product itself, and its line."""

    path: str
    location: Location


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """One outcome of one policy, with every place that has this outcome.

    A policy that is violated in one place and cannot be evaluated in another has a result for each outcome.

    Args:
        message: The policy's own message if it is violated; otherwise the unknown fact or the error.
        hint: The fix.
        points: Deduction from the value score if it is violated.
        places: Places with this outcome; empty if the policy passed or did not apply.
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
        """Whether the policy forbids the deployment: it denies, and it is violated or could not be evaluated."""
        return self.effect is Effect.DENY and self.outcome in {Outcome.VIOLATED, Outcome.ERROR}

    def problems(self) -> Iterator[Problem]:
        """The problems of a violation or error, with their lines: errors if the policy forbids, else warnings."""
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


class Deduction(NamedTuple):
    """Points that a violated policy deducts from the value score."""

    policy: str
    points: int
    message: str


class ValueScore(NamedTuple):
    """The value of a product according to its policies, with the explanation.

    Args:
        value: From 0 to 100.
        deductions: The deductions; their sum may exceed the score.
        open: Devaluing policies without an answer; the real score may be lower.
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
    """The value score: 100 minus the points of each violated devaluing policy, once for any number of places."""
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
    """The policies that could not be evaluated, by the unknown fact that they need."""
    found: dict[str, list[str]] = {}
    for result in results:
        if result.outcome is Outcome.NOT_EVALUATED:
            found.setdefault(result.message, []).append(result.policy)
    return {message: tuple(policies) for message, policies in found.items()}
