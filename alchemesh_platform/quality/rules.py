"""Business tests of a contract on the rows of its models: the value of each test, and its verdict.

The metrics follow the library of ODCS 3: ``nullValues`` and ``missingValues`` count cells that are null,
``invalidValues`` counts cells that break the enum, pattern or range of their property, ``duplicateValues`` counts
values that occur more than once, and ``rowCount`` counts rows. Source: https://bitol-io.github.io/open-data-contract-standard/v3.2.0/
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from alchemesh_platform.measures.measure import NO_ROWS
from alchemesh_platform.quality.statement import ROWS, Cell, Groups, Sum, invalid, null
from alchemesh_platform.quality.tables import NotMeasurable, TooSlow
from alchemesh_platform.quality.work import reason_of

if TYPE_CHECKING:
    from alchemesh_platform.manifest.models import Property, QualityRule
    from alchemesh_platform.quality.dialect import Dialect
    from alchemesh_platform.quality.tables import Deadline, Tables

VerdictOutcome = Literal["passed", "failed", "unknown", "error", "not executable"]
OPERATORS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)
_SHOWN_MAX = 200
_NUMBER_MAX = 400
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a business test.

    Args:
        test: Its name.
        outcome: ``unknown`` has nothing to test; ``error`` could not be run; ``not executable`` is a test in prose.
        found: The found value in words.
        expected: The comparison in words.
        reason: Why there is no verdict, or the part of the rows that the test has seen.
        severity: Weight of a failure.
    """

    test: str
    outcome: VerdictOutcome
    found: str = ""
    expected: str = ""
    reason: str = ""
    severity: str = "error"

    def as_json(self) -> dict[str, Any]:
        """The result as one JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}


class NoVerdict(Exception):
    """Raised when a test has nothing to test; gives the reason."""


class Broken(Exception):
    """Raised when a test cannot be run; gives the reason."""


def verify(
    tables: Tables,
    models: Mapping[str, Mapping[str, Property]],
    rules: Sequence[QualityRule],
    deadline: Deadline,
) -> list[Verdict]:
    """The verdict of each test, in the given order.

    The tests of the library take one statement for each model. Each query has an equal part of the time that is left.

    Args:
        tables: The tables of the port.
        models: The properties of each model of the port.
        rules: The tests.
        deadline: The end of all tests.
    """
    queries = [rule for rule in rules if rule.type == "sql"]
    values = _library(tables, models, [rule for rule in rules if rule.type == "library"], deadline, 1 + len(queries))
    for at, rule in enumerate(queries):
        with _Caught(values, rule):
            values[rule] = _as_number(tables.value(rule.query or "", deadline.seconds(len(queries) - at)))
    return [_verdict(rule, values.get(rule), _scope(tables, models, rule)) for rule in rules]


def _verdict(rule: QualityRule, value: Fraction | str | Exception | None, scope: str) -> Verdict:
    severity, expected = rule.severity or "error", in_words(rule)
    if rule.type == "text":
        return Verdict(rule.name, "not executable", reason=rule.description, severity=severity)
    if isinstance(value, NoVerdict | NotMeasurable):
        return Verdict(rule.name, "unknown", "", expected, str(value), severity)
    try:
        if isinstance(value, Exception) or value is None:
            raise value or Broken("the test was not run")
        outcome: VerdictOutcome = "passed" if passes(rule, value) else "failed"
    except Exception as error:  # noqa: BLE001 - a storage can fail in any way, and the other tests have verdicts
        return Verdict(rule.name, "error", "", expected, reason_of(error), severity)
    return Verdict(rule.name, outcome, shown(value), expected, scope, severity)


class _Caught:
    """Keeps the error of one test as its value: the others are run."""

    def __init__(self, values: dict[QualityRule, Any], *rules: QualityRule) -> None:
        self._values, self._rules = values, rules

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _place: object) -> bool:
        if not isinstance(error, Exception):
            return False
        self._values.update(dict.fromkeys(self._rules, error))
        return True


def _scope(tables: Tables, models: Mapping[str, Mapping[str, Property]], rule: QualityRule) -> str:
    """The part of the rows that a test has seen, if it is not all of them."""
    wanted = models if rule.type == "sql" else [rule.model or next(iter(models), "")]
    return "; ".join(dict.fromkeys(scope for model in wanted if (scope := tables.scope(model))))


def passes(rule: QualityRule, value: Fraction | str) -> bool:
    """Whether a value fulfils the comparison of a test. Numbers are compared exactly.

    Raises:
        Broken: when a text is compared with a number.
    """
    for name in OPERATORS:
        wanted = getattr(rule, name)
        if wanted is not None:
            return _COMPARISONS[name](value, wanted)
    raise Broken("the test has no comparison")


def in_words(rule: QualityRule) -> str:
    """The comparison of a test: ``mustBeLessThan 5 percent``."""
    unit = " percent" if rule.unit == "percent" else ""
    for name in OPERATORS:
        wanted = getattr(rule, name)
        if wanted is not None:
            bounds = wanted if isinstance(wanted, tuple) else (wanted,)
            return (
                f"{name} {' and '.join(f'{each:g}' if isinstance(each, float) else str(each) for each in bounds)}{unit}"
            )
    return ""


def shown(value: Fraction | str) -> str:
    """A value for a person: a whole number, or six digits; a text with at most 200 characters."""
    if isinstance(value, str):
        return value.replace("\0", "\\0")[:_SHOWN_MAX]
    return f"{value.numerator:,}" if value.denominator == 1 else f"{float(value):.6g}"


def _library(
    tables: Tables,
    models: Mapping[str, Mapping[str, Property]],
    rules: Sequence[QualityRule],
    deadline: Deadline,
    waiting: int,
) -> dict[QualityRule, Any]:
    """The value of each test of the library, or its error. One statement for all tests of a model."""
    values: dict[QualityRule, Any] = {}
    asked: dict[str, list[tuple[QualityRule, Sum | Groups]]] = {}
    for rule in rules:
        with _Caught(values, rule):
            model = _model_of(rule, models)
            asked.setdefault(model, []).append((rule, _metric(tables.dialect, model, models[model], rule)))
    for at, (model, each) in enumerate(asked.items()):
        try:
            values |= _counted(tables, model, each, deadline.seconds(waiting + len(asked) - at - 1))
        except (TooSlow, NotMeasurable) as error:
            values |= {rule: error for rule, _ in each}
        except Exception:  # noqa: BLE001 - one count of the statement fails: each test alone finds out which
            for number, one in enumerate(each):
                with _Caught(values, one[0]):
                    seconds = deadline.seconds(waiting + len(asked) - at - 1 + len(each) - number - 1)
                    values |= _counted(tables, model, [one], seconds)
    return values


def _model_of(rule: QualityRule, models: Mapping[str, Mapping[str, Property]]) -> str:
    model = rule.model or (next(iter(models)) if len(models) == 1 else None)
    if not models:
        raise Broken("no model of the port can be read here")
    if model is None or model not in models:
        raise Broken(f"the port has the models {', '.join(models)}, and the test names none of them")
    return model


def _metric(dialect: Dialect, model: str, properties: Mapping[str, Property], rule: QualityRule) -> Sum | Groups:
    """The count of a metric."""
    if rule.metric == "rowCount":
        return ROWS
    if rule.metric == "duplicateValues" and rule.property is None:
        key = tuple(name for name, each in properties.items() if each.key)
        if not key:
            raise Broken(f"the model {model} has no key, and the test names no property")
        return Groups(key)
    name = rule.property or ""
    if name not in properties:
        raise Broken(f"the model {model} has no property {name!r}")
    if rule.metric == "duplicateValues":
        return Groups((name,))
    cell = Cell((name,), dialect.name(name), "", properties[name])
    if rule.metric in ("nullValues", "missingValues"):
        return null(cell)
    count = invalid(cell, dialect)
    if count is None:
        raise Broken(f"the property {name} has no enum, no pattern and no range, so no value of it is invalid")
    return count


def _counted(
    tables: Tables, model: str, asked: Sequence[tuple[QualityRule, Sum | Groups]], seconds: float
) -> dict[QualityRule, Any]:
    wanted = dict.fromkeys((ROWS, *(count for _, count in asked)))
    sums = [each for each in wanted if isinstance(each, Sum)]
    counts = tables.counts(model, sums, [each for each in wanted if isinstance(each, Groups)], seconds)
    rows = counts.of(ROWS)
    values: dict[QualityRule, Any] = {}
    for rule, count in asked:
        if count is ROWS:
            values[rule] = Fraction(rows)
        elif rows == 0:
            values[rule] = NoVerdict(NO_ROWS)
        else:
            found = counts.groups[count].repeated if isinstance(count, Groups) else counts.of(count)
            values[rule] = Fraction(100 * found, rows) if rule.unit == "percent" else Fraction(found)
    return values


def _as_number(value: Any) -> Fraction | str:
    """The value of a query, as it is compared."""
    if value is None:
        raise NoVerdict("the query gave null")
    if isinstance(value, bool):
        return Fraction(int(value))
    if isinstance(value, int | Decimal):
        if isinstance(value, Decimal) and not value.is_finite():
            raise Broken(f"the query gave {value}, expected a number")
        return Fraction(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Broken(f"the query gave {value}, expected a number")
        return Fraction(repr(value))  # 0.1 is one tenth, as in the comparison
    if isinstance(value, str):
        return value
    raise Broken(f"the query gave a value of type {type(value).__name__}, expected a number or a text")


def _number(value: Fraction | str) -> Fraction:
    if isinstance(value, str):
        # A text with a huge exponent would take forever as a fraction.
        if len(value) > _NUMBER_MAX or not _NUMBER.fullmatch(value.strip()):
            raise Broken(f"found the text {value[:_SHOWN_MAX]!r}, expected a number")
        return Fraction(value.strip())
    return value


def _exact(bound: float) -> Fraction:
    """A bound as it is written: 0.1 is one tenth."""
    return Fraction(repr(bound)) if isinstance(bound, float) else Fraction(bound)


def _equals(value: Fraction | str, wanted: float | str) -> bool:
    if isinstance(wanted, str):
        return (value if isinstance(value, str) else shown(value)) == wanted
    return _number(value) == _exact(wanted)


def _between(value: Fraction | str, wanted: tuple[float, float]) -> bool:
    return _exact(wanted[0]) <= _number(value) <= _exact(wanted[1])


_COMPARISONS: Mapping[str, Callable[[Fraction | str, Any], bool]] = {
    "mustBe": _equals,
    "mustNotBe": lambda value, wanted: not _equals(value, wanted),
    "mustBeGreaterThan": lambda value, wanted: _number(value) > _exact(wanted),
    "mustBeGreaterOrEqualTo": lambda value, wanted: _number(value) >= _exact(wanted),
    "mustBeLessThan": lambda value, wanted: _number(value) < _exact(wanted),
    "mustBeLessOrEqualTo": lambda value, wanted: _number(value) <= _exact(wanted),
    "mustBeBetween": _between,
    "mustNotBeBetween": lambda value, wanted: not _between(value, wanted),
}
