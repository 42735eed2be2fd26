"""Business tests: metrics, comparisons and verdicts, and the same rules by datacontract-cli as a second opinion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.types import arrow_type
from alchemesh_platform.manifest.models import Property, QualityRule
from alchemesh_platform.quality.rows import RowTables
from alchemesh_platform.quality.rules import Verdict, passes
from tests.quality.ports import verify_rows

SALE = {
    "sale_id": Property.model_validate({"type": "string", "key": True}),
    "day": Property.model_validate({"type": "date", "key": True}),
    "article": Property.model_validate({"type": "string", "enum": ["shoe", "hat"]}),
    "code": Property.model_validate({"type": "string", "pattern": "^[A-Z]{2}$"}),
    "amount": Property.model_validate({"type": "number"}),
}
ROWS = [
    {"sale_id": "1", "day": None, "article": "shoe", "code": "AB", "amount": 1.5},
    {"sale_id": "1", "day": None, "article": "bag", "code": "ab", "amount": None},
    {"sale_id": "2", "day": None, "article": None, "code": None, "amount": None},
    {"sale_id": "2", "day": None, "article": "hat", "code": "", "amount": -1.0},
    {"sale_id": None, "day": None, "article": "hat", "code": "XY", "amount": 0.1},
]


def rule(**fields: Any) -> QualityRule:
    return QualityRule.model_validate({"name": "the-test", **fields})


def verified(
    *rules: QualityRule, rows: Sequence[Mapping[str, Any]] = ROWS, patience: timedelta = timedelta(seconds=60)
) -> list[Verdict]:
    schema = pa.schema([pa.field(name, arrow_type(each)) for name, each in SALE.items()])
    table = pa.Table.from_pylist([dict(row) for row in rows], schema)
    return verify_rows({"sale": Rows(schema, table.to_batches)}, {"sale": SALE}, rules, patience)


def found(**fields: Any) -> tuple[str, str]:
    (verdict,) = verified(rule(**fields))
    return verdict.outcome, verdict.found or verdict.reason


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"metric": "rowCount"}, "5"),
        ({"metric": "nullValues", "property": "amount"}, "2"),
        ({"metric": "missingValues", "property": "article"}, "1"),
        ({"metric": "nullValues", "property": "amount", "unit": "percent"}, "40"),
        ({"metric": "invalidValues", "property": "article"}, "1"),
        ({"metric": "invalidValues", "property": "code"}, "2"),
        ({"metric": "invalidValues", "property": "code", "unit": "percent"}, "40"),
        ({"metric": "duplicateValues", "property": "sale_id"}, "2"),
        ({"metric": "duplicateValues", "property": "article"}, "1"),
        ({"metric": "duplicateValues"}, "0"),
        ({"type": "sql", "query": "SELECT sum(amount) FROM sale WHERE amount > 0"}, "1.6"),
        ({"type": "sql", "query": 'SELECT count(DISTINCT "article") FROM "sale"'}, "3"),
    ],
)
def test_a_metric_is_counted_as_the_standard_says(fields: dict[str, Any], value: str) -> None:
    assert found(**fields, mustBe=float(value)) == ("passed", value)
    assert found(**fields, mustNotBe=float(value)) == ("failed", value)


@pytest.mark.parametrize(
    ("fields", "outcome", "reason"),
    [
        ({"metric": "invalidValues", "property": "amount"}, "error", "the property amount has no enum, no pattern"),
        ({"metric": "nullValues", "property": "price"}, "error", "the model sale has no property 'price'"),
        ({"metric": "rowCount", "model": "visit"}, "error", "the port has the models sale, and the test names none"),
        ({"type": "sql", "query": "SELECT 1, 2"}, "error", "the query gave 2 columns, expected one value"),
        ({"type": "sql", "query": "SELECT amount FROM sale"}, "error", "the query gave 2 rows or more, expected one"),
        ({"type": "sql", "query": "SELECT 1 WHERE false"}, "error", "the query gave no rows, expected one value"),
        ({"type": "sql", "query": "SELECT NULL"}, "unknown", "the query gave null"),
        ({"type": "sql", "query": "SELECT 'many'"}, "error", "found the text 'many', expected a number"),
        ({"type": "sql", "query": "SELECT '1e400000000'"}, "error", "found the text '1e400000000', expected a number"),
        ({"type": "sql", "query": "SELECT 'a' || chr(0)"}, "error", "found the text 'a\\x00', expected a number"),
        ({"type": "sql", "query": "SELECT date '2026-01-01'"}, "error", "the query gave a value of type date"),
        ({"type": "sql", "query": "SELECT 'nan'::double"}, "error", "the query gave nan, expected a number"),
        ({"type": "sql", "query": "SELEKT 1"}, "error", 'Parser Error: syntax error at or near "SELEKT"'),
        ({"type": "sql", "query": "SELECT count(*) FROM visit"}, "error", "Catalog Error: Table with name visit"),
        ({"type": "sql", "query": "DELETE FROM sale"}, "error", "expected one SELECT in the query"),
        ({"type": "sql", "query": "SELECT 0; SELECT 0"}, "error", "expected one SELECT in the query"),
        ({"type": "sql", "query": "SELECT count(*) FROM read_csv('/etc/passwd')"}, "error", "Permission Error"),
        ({"type": "sql", "query": "COPY (SELECT 0) TO 'nowhere.csv'"}, "error", "expected one SELECT in the query"),
        ({"type": "sql", "query": "SET enable_external_access = true"}, "error", "expected one SELECT in the query"),
    ],
)  # fmt: skip
def test_a_test_that_cannot_be_judged_has_a_reason_and_no_verdict(
    fields: dict[str, Any], outcome: str, reason: str
) -> None:
    shown_outcome, shown_reason = found(**fields, mustBe=0)
    assert shown_outcome == outcome
    assert shown_reason.startswith(reason)


def test_a_test_in_prose_is_not_executable() -> None:
    (verdict,) = verified(rule(type="text", description="a person reads it", severity="info"))
    assert (verdict.outcome, verdict.reason, verdict.severity) == ("not executable", "a person reads it", "info")


def test_an_empty_table_passes_no_test_by_being_empty() -> None:
    rules = [
        rule(metric="nullValues", property="amount", mustBe=0),
        rule(metric="duplicateValues", property="sale_id", mustBe=0),
        rule(metric="invalidValues", property="code", unit="percent", mustBeLessThan=5),
        rule(metric="rowCount", mustBeGreaterThan=0),
    ]
    assert [(each.outcome, each.reason) for each in verified(*rules, rows=[])] == [
        *[("unknown", "the table has no rows")] * 3,
        ("failed", ""),
    ]


def test_a_failing_query_stops_no_other_test() -> None:
    rules = [
        rule(type="sql", query="SELECT nonsense FROM sale", mustBe=0),
        rule(metric="rowCount", mustBe=5),
        rule(type="sql", query="SELECT count(*) FROM sale", mustBe=5),
    ]
    assert [each.outcome for each in verified(*rules)] == ["error", "passed", "passed"]


def test_a_query_that_never_ends_is_stopped_at_its_part_of_the_time_and_the_others_run() -> None:
    endless = rule(
        type="sql",
        query="SELECT count(*) FROM range(10000000000) a, range(1000) b WHERE a.range % 7 = b.range",
        mustBe=0,
    )
    others = [rule(name=f"other-{at}", type="sql", query="SELECT count(*) FROM sale", mustBe=5) for at in range(2)]
    counted = rule(name="counted", metric="rowCount", mustBe=5)
    stopped, *ran = verified(endless, *others, counted, patience=timedelta(seconds=9))

    assert (stopped.outcome, stopped.reason) == ("error", "the scan did not end within 3 s")
    assert [each.outcome for each in ran] == ["passed"] * 3


def test_one_statement_counts_all_tests_of_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    counts = RowTables.counts

    def noted(self: RowTables, model: str, sums: Sequence[Any], groups: Sequence[Any], seconds: float) -> Any:
        asked.append((len(sums), len(groups)))
        return counts(self, model, sums, groups, seconds)

    monkeypatch.setattr(RowTables, "counts", noted)
    rules = [
        rule(name="rows", metric="rowCount", mustBe=5),
        rule(name="nulls", metric="nullValues", property="amount", mustBe=2),
        rule(name="share", metric="nullValues", property="amount", unit="percent", mustBe=40),
        rule(name="invalid", metric="invalidValues", property="code", mustBe=2),
        rule(name="twice", metric="duplicateValues", property="sale_id", mustBe=2),
    ]
    assert [each.outcome for each in verified(*rules)] == ["passed"] * 5
    assert asked == [(3, 1)]


def test_a_count_that_fails_is_the_error_of_its_test_only() -> None:
    model = {**SALE, "code": SALE["code"].model_copy(update={"pattern": "(?=look)ahead"})}
    rules = [
        rule(name="invalid", metric="invalidValues", property="code", mustBe=0),
        rule(name="nulls", metric="nullValues", property="amount", mustBe=3),
    ]
    schema = pa.schema([pa.field(name, arrow_type(each)) for name, each in SALE.items()])
    table = pa.Table.from_pylist(ROWS, schema)
    broken, counted = verify_rows({"sale": Rows(schema, table.to_batches)}, {"sale": model}, rules)

    assert (broken.outcome, counted.outcome, counted.found) == ("error", "failed", "2")
    assert "invalid perl operator" in broken.reason


NUMBERS = st.fractions(min_value=-100, max_value=100, max_denominator=40)


@given(NUMBERS, st.floats(-100, 100), st.floats(-100, 100))
def test_comparisons_are_exact_and_opposites_never_agree(value: Fraction, low: float, high: float) -> None:
    low, high = min(low, high), max(low, high)
    exact = {bound: Fraction(repr(bound)) for bound in (low, high)}
    wanted = {
        "mustBe": (low, value == exact[low]),
        "mustBeGreaterThan": (low, value > exact[low]),
        "mustBeGreaterOrEqualTo": (low, value >= exact[low]),
        "mustBeLessThan": (high, value < exact[high]),
        "mustBeLessOrEqualTo": (high, value <= exact[high]),
        "mustBeBetween": ((low, high), exact[low] <= value <= exact[high]),
    }
    for name, (bound, right) in wanted.items():
        assert passes(rule(metric="rowCount", **{name: bound}), value) is right, name
    for name in ("mustBe", "mustBeBetween"):
        bound, right = wanted[name]
        assert passes(rule(metric="rowCount", **{name.replace("Be", "NotBe", 1): bound}), value) is not right


def test_a_text_with_a_nul_has_a_verdict_that_a_database_can_keep() -> None:
    (verdict,) = verified(rule(type="sql", query="SELECT 'x' || chr(0) || 'y'", mustBe="z"))
    assert (verdict.outcome, verdict.found) == ("failed", "x\\0y")


def test_a_tenth_is_a_tenth_and_texts_are_compared_as_they_are() -> None:
    assert passes(rule(metric="rowCount", mustBe=0.1), Fraction(1, 10))
    assert passes(rule(metric="rowCount", mustBe="5"), Fraction(5))
    assert passes(rule(type="sql", query="", mustBe="fine"), "fine")
    assert not passes(rule(type="sql", query="", mustBe="fine"), "fine ")
    assert passes(rule(type="sql", query="", mustBeLessThan=10), "9.5")
