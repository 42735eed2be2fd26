"""Comparison of business tests: whether one is at least as strict as another, and the changes between two contracts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from alchemesh_platform.contracts.compatibility.changes import ChangeKind, ContractChange, added, changed, removed
from alchemesh_platform.contracts.port import CONTRACT, PromisedPort
from alchemesh_platform.documents.document import Path, listed, quoted
from alchemesh_platform.manifest.models import QualityRule

OPERATORS = tuple(name for name in QualityRule.model_fields if name.startswith("must"))
_WEIGHTS = {"info": 0, "warning": 1, "error": 2, None: 2}  # the severity of a test that does not set one
_SPACES = re.compile(r"('(?:[^']|'')*'|\"[^\"]*\")|\s+")  # spaces matter inside quotes only


@dataclass(frozen=True, slots=True)
class Interval:
    """The numbers between two bounds, each inclusive or exclusive."""

    low: float
    high: float
    with_low: bool = True
    with_high: bool = True

    def holds(self, other: Interval) -> bool:
        """Whether this interval contains the other one."""
        low = self.low < other.low or (self.low == other.low and (self.with_low or not other.with_low))
        high = other.high < self.high or (self.high == other.high and (self.with_high or not other.with_high))
        return low and high

    @property
    def empty(self) -> bool:
        """Whether the interval contains no number."""
        return self.low > self.high or (self.low == self.high and not (self.with_low and self.with_high))


@dataclass(frozen=True, slots=True)
class Accepted:
    """The values with which a test passes: numbers, and texts (the listed ones, or all except the listed ones)."""

    numbers: tuple[Interval, ...] = ()
    texts: frozenset[str] = frozenset()
    all_but: bool = False

    def holds(self, other: Accepted) -> bool:
        """Whether this accepts every value that the other accepts."""
        numbers = all(any(mine.holds(theirs) for mine in self.numbers) for theirs in other.numbers)
        if other.all_but:
            return numbers and self.all_but and self.texts <= other.texts
        return numbers and (self.texts.isdisjoint(other.texts) if self.all_but else other.texts <= self.texts)


@dataclass(frozen=True, slots=True)
class Substance:
    """The content of a test, regardless of its name: the metric, the passing values, and the severity of a failure."""

    subject: tuple[str | None, ...]
    accepted: Accepted | tuple[object, ...]
    weight: int

    def implies(self, other: Substance) -> bool:
        """Whether this test is at least as strict as the other."""
        if self.subject != other.subject or self.weight < other.weight:
            return False
        if isinstance(self.accepted, Accepted) and isinstance(other.accepted, Accepted):
            return other.accepted.holds(self.accepted)
        return self.accepted == other.accepted


def substance(rule: QualityRule, models: Sequence[str]) -> Substance:
    """The content of a test.

    Args:
        rule: The test.
        models: Models of the port. If there is only one, it is the subject of rules that name no model.
    """
    subject: tuple[str | None, ...]
    if rule.type == "sql":
        subject = ("sql", _SPACES.sub(lambda match: match[1] or " ", rule.query or "").strip())
    elif rule.type == "library":
        model = rule.model or (models[0] if len(models) == 1 else None)
        subject = ("library", rule.metric, model, rule.property, rule.unit or "rows")
    else:  # a rule in prose is compared by its text
        subject = ("text", " ".join(rule.description.split()))
    return Substance(subject, _accepted(rule), _WEIGHTS[rule.severity])


def diff_quality(before: PromisedPort, after: PromisedPort) -> Iterator[ContractChange]:
    """Every change among the tests of two contracts.

    A test may have a new name, and one test may replace several. The contract must still cover everything that it
    promised.
    """
    were, are = _rules(before), _rules(after)
    old = {name: substance(rule, list(before.models)) for name, rule in were.items()}
    new = {name: substance(rule, list(after.models)) for name, rule in are.items()}
    kept = {name for name in old.keys() & new.keys() if old[name] == new[name]}
    for name in kept:
        if were[name] != are[name]:
            yield changed(_place(name), "documentation", f"reworded: {_differing(were[name], are[name])}")
    renamed = _renamed(old, new)
    for name, other in renamed.items():
        yield changed(_place(other), "documentation", f"was called {quoted(name)}")
    gone = old.keys() - kept - renamed.keys()
    come = new.keys() - kept - set(renamed.values())
    for name in gone:
        lost = not any(candidate.implies(old[name]) for candidate in new.values())
        if name in come:
            known = any(candidate.implies(new[name]) for candidate in old.values())
            yield _changed(_place(name), old[name], new[name], lost, known)
        elif lost:
            yield removed(_place(name), "breaking", "the test is no longer promised")
        else:
            yield removed(_place(name), "documentation", "removed; another test promises as much")
    for name in come - gone:
        if any(candidate.implies(new[name]) for candidate in old.values()):
            yield added(_place(name), "documentation", "a test that says no more than was promised")
        else:
            yield added(_place(name), "compatible", "a test is promised that was not")


def compared(rule: QualityRule) -> str:
    """The comparison in words: ``mustBeBetween 1 and 5``."""
    parts = [f"{name} {_value(getattr(rule, name))}" for name in OPERATORS if getattr(rule, name) is not None]
    return ", ".join(parts)


def _changed(place: Path, old: Substance, new: Substance, lost: bool, known: bool) -> ContractChange:
    """The change of a test that kept its name and has another meaning.

    Args:
        lost: Whether no test of the new contract covers the old meaning.
        known: Whether a test of the old contract already covered the new meaning.
    """
    kind: ChangeKind = "breaking" if lost else "documentation" if known else "compatible"
    if new.implies(old):
        return changed(place, kind, "tightened: whatever passes now would have passed before")
    if old.subject != new.subject:
        return changed(place, kind, "tests something else" + ("" if lost else "; another promises what it did"))
    if new.weight < old.weight:
        return changed(place, kind, "loosened: a failure weighs less" + ("" if lost else "; another is as strict"))
    return changed(place, kind, "loosened: passes where it failed" + ("" if lost else "; another is as strict"))


def _rules(port: PromisedPort) -> Mapping[str, QualityRule]:
    return {rule.name: rule for rule in port.contract.quality} if port.contract is not None else {}


def _renamed(old: Mapping[str, Substance], new: Mapping[str, Substance]) -> dict[str, str]:
    """The new name of each renamed test with the same meaning, by its old name, matched in the order of names."""
    free: dict[Substance, list[str]] = {}
    for name in sorted(new.keys() - old.keys(), reverse=True):
        free.setdefault(new[name], []).append(name)
    return {name: free[old[name]].pop() for name in sorted(old.keys() - new.keys()) if free.get(old[name])}


def _place(name: str) -> Path:
    return (CONTRACT, "quality", name)


def _differing(before: QualityRule, after: QualityRule) -> str:
    fields = [name for name in QualityRule.model_fields if getattr(before, name) != getattr(after, name)]
    return listed(fields, "and")


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return " and ".join(_value(bound) for bound in value)
    return f"{value:.15g}" if isinstance(value, float) else quoted(str(value))


def _accepted(rule: QualityRule) -> Accepted | tuple[object, ...]:
    used = {name: getattr(rule, name) for name in OPERATORS if getattr(rule, name) is not None}
    if len(used) != 1:  # a rule in prose; the manifest's checks reject several comparisons
        return tuple(used.items())
    [(operator, value)] = used.items()
    # A metric of the library is a count, so it is never below zero.
    least = Interval(0 if rule.type == "library" else -math.inf, math.inf)
    return _values_of(operator, value, least)


def _values_of(operator: str, value: object, least: Interval) -> Accepted:
    if isinstance(value, str):
        if operator == "mustBe":
            return Accepted((), frozenset({value}))
        return Accepted(_within(least, Interval(-math.inf, math.inf)), frozenset({value}), all_but=True)
    low, high = value if isinstance(value, tuple) else (value, value)
    assert isinstance(low, float | int) and isinstance(high, float | int)  # noqa: S101 - the model says so
    outside = (Interval(-math.inf, low, with_high=False), Interval(high, math.inf, with_low=False))
    numbers = {
        "mustBe": (Interval(low, high),),
        "mustBeBetween": (Interval(low, high),),
        "mustNotBe": outside,
        "mustNotBeBetween": outside,
        "mustBeGreaterThan": (outside[1],),
        "mustBeGreaterOrEqualTo": (Interval(low, math.inf),),
        "mustBeLessThan": (outside[0],),
        "mustBeLessOrEqualTo": (Interval(-math.inf, high),),
    }[operator]
    return Accepted(_within(least, *numbers), all_but=operator.startswith("mustNot"))


def _within(bounds: Interval, *numbers: Interval) -> tuple[Interval, ...]:
    """The parts of the intervals inside the bounds, without those that are empty."""
    inside = []
    for part in numbers:
        low, with_low = max((part.low, not part.with_low), (bounds.low, not bounds.with_low))
        high, with_high = min((part.high, part.with_high), (bounds.high, bounds.with_high))
        clipped = Interval(low, high, not with_low, with_high)
        if not clipped.empty:
            inside.append(clipped)
    return tuple(inside)
