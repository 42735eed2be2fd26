"""Each kind of business test, also run by datacontract-cli on the exported contract and the same rows.

It agrees, apart from the differences that are listed here with their reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from alchemesh_platform.contracts.odcs.export import PortIdentity, export_odcs, odcs_text
from alchemesh_platform.contracts.port import PromisedPort
from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.types import arrow_type
from alchemesh_platform.manifest.models import Contract, Property, QualityRule, SemanticModel
from parts.tools import datacontract
from tests.quality.ports import verify_rows

IDENTITY = PortIdentity("retail", "orders", "shop")
SALE = {
    "sale_id": Property.model_validate({"type": "string", "key": True}),
    "day": Property.model_validate({"type": "date", "key": True}),
    "article": Property.model_validate({"type": "string", "enum": ["shoe", "hat"]}),
    "code": Property.model_validate({"type": "string", "pattern": "^[A-Z]{2}$"}),
    "amount": Property.model_validate({"type": "number", "precision": 18, "scale": 4}),
}
DAY = date(2026, 3, 1)
ROWS = [
    {"sale_id": "1", "day": DAY, "article": "shoe", "code": "AB", "amount": Decimal("1.6")},
    {"sale_id": "1", "day": DAY, "article": "bag", "code": "ab", "amount": None},
    {"sale_id": "2", "day": DAY, "article": None, "code": None, "amount": None},
    {"sale_id": "2", "day": None, "article": "hat", "code": "", "amount": Decimal("-1.0")},
    {"sale_id": None, "day": DAY, "article": "hat", "code": "XY", "amount": Decimal("0.0001")},
]
VALUES: dict[str, tuple[dict[str, Any], float]] = {
    "rows": ({"metric": "rowCount"}, 5),
    "nulls": ({"metric": "nullValues", "property": "amount"}, 2),
    "share-of-nulls": ({"metric": "nullValues", "property": "amount", "unit": "percent"}, 40),
    "missing": ({"metric": "missingValues", "property": "article"}, 1),
    "invalid-by-enum": ({"metric": "invalidValues", "property": "article"}, 1),
    "invalid-by-pattern": ({"metric": "invalidValues", "property": "code"}, 2),
    "share-of-invalid": ({"metric": "invalidValues", "property": "code", "unit": "percent"}, 40),
    "duplicates": ({"metric": "duplicateValues", "property": "sale_id"}, 2),
    "composite-duplicates": ({"metric": "duplicateValues"}, 1),
    "query": ({"type": "sql", "query": "SELECT count(*) FROM sale WHERE article = 'hat'"}, 2),
}
# Each operator with bounds that pass and that fail, by the value.
OPERATORS: dict[str, tuple[Any, Any]] = {
    "mustBe": (lambda v: v, lambda v: v + 1),
    "mustNotBe": (lambda v: v + 1, lambda v: v),
    "mustBeGreaterThan": (lambda v: v - 1, lambda v: v),
    "mustBeGreaterOrEqualTo": (lambda v: v, lambda v: v + 1),
    "mustBeLessThan": (lambda v: v + 1, lambda v: v),
    "mustBeLessOrEqualTo": (lambda v: v, lambda v: v - 1),
    "mustBeBetween": (lambda v: (v, v + 1), lambda v: (v + 1, v + 2)),
    "mustNotBeBetween": (lambda v: (v + 1, v + 2), lambda v: (v, v + 1)),
}
# Name: the tests, our outcomes, their results, and the reason of the difference.
DIFFERENCES: dict[str, tuple[list[dict[str, Any]], list[str], list[str | None], str]] = {
    "decimals": (
        [{"type": "sql", "query": "SELECT sum(amount) FROM sale WHERE amount > 0", "mustBe": 1.6001}],
        ["passed"],
        ["failed"],
        "it compares a decimal with a double: 1.6001 is not 1.6001",
    ),
    "broken-query": (
        [{"type": "sql", "query": "SELECT nonsense FROM sale", "mustBe": 0}],
        ["error"],
        ["failed"],
        "it reports a query that cannot be run as a failed test",
    ),
    "query-of-null": (
        [{"type": "sql", "query": "SELECT max(NULL) FROM sale", "mustBe": 0}],
        ["unknown"],
        ["failed"],
        "it compares null, which is no value",
    ),
    "query-of-text": (
        [{"type": "sql", "query": "SELECT 'many'", "mustBe": 0}],
        ["error"],
        ["failed"],
        "it compares a text with a number",
    ),
    "many-rows": (
        [{"type": "sql", "query": "SELECT 5 FROM sale", "mustBe": 5}],
        ["error"],
        ["passed"],
        "it takes the first of several rows, and the order of rows is not defined",
    ),
    "prose": (
        [{"type": "text", "description": "a person reads it"}],
        ["not executable"],
        [],
        "it does not mention a test in prose",
    ),
    "two-thresholds": (
        [
            {"metric": "nullValues", "property": "amount", "mustBeGreaterThan": 1},
            {"metric": "nullValues", "property": "amount", "mustBeLessThan": 3},
        ],
        ["passed", "passed"],
        ["failed", None],
        "it names the column of the result after metric and property, so the query of two tests of one metric fails",
    ),
    "two-composite-duplicates": (
        [{"metric": "duplicateValues", "mustBe": 1}, {"metric": "duplicateValues", "mustBeLessThan": 2}],
        ["passed", "passed"],
        ["passed", None],
        "it keeps one result of two tests of one metric",
    ),
}


def rule(name: str, **fields: Any) -> QualityRule:
    return QualityRule.model_validate({"name": name, "model": "sale", **fields})


def agreed() -> list[tuple[QualityRule, str]]:
    """Every value, and every operator with one test that passes and one that fails."""
    pairs = [(name, "mustBe") for name in VALUES] + [
        ("rows", operator) for operator in OPERATORS if operator != "mustBe"
    ]
    found = []
    for name, operator in pairs:
        fields, value = VALUES[name]
        for verdict, bound in zip(("passed", "failed"), OPERATORS[operator], strict=True):
            one = rule(f"{name}-{operator}-{verdict}".lower(), **fields, **{operator: bound(value)})
            found.append((one, verdict))
    return found


def contract_of(folder: Path, name: str, rules: Sequence[QualityRule]) -> Path:
    """The exported contract with some tests, as a file that says where the rows are."""
    contract = Contract(version="1.0.0", quality=tuple(rules))
    port = PromisedPort(contract, {"sale": SemanticModel(properties=dict(SALE))})
    document = yaml.safe_load(odcs_text(export_odcs(port, IDENTITY)))
    server = {"server": "here", "type": "local", "path": str(folder / "{model}.parquet"), "format": "parquet"}
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({**document, "servers": [server]}))
    return path


def test_datacontract_cli_agrees_apart_from_the_listed_differences(tmp_path: Path) -> None:
    schema = pa.schema([pa.field(name, arrow_type(each)) for name, each in SALE.items()])
    table = pa.Table.from_pylist(ROWS, schema)
    pq.write_table(table, tmp_path / "sale.parquet")
    rows = {"sale": Rows(schema, table.to_batches)}
    tests = agreed()
    different = {
        name: [rule(f"{name}-{at}", **fields) for at, fields in enumerate(found)]
        for name, (found, *_) in DIFFERENCES.items()
    }
    contracts = [contract_of(tmp_path, one.name, [one]) for one, _ in tests]
    answers = datacontract.run([*contracts, *(contract_of(tmp_path, *each) for each in different.items())])
    theirs = [[check["result"] for check in answer["checks"]] for answer in answers]
    listed = [rule for found in different.values() for rule in found]
    ours = {
        each.test: each.outcome for each in verify_rows(rows, {"sale": SALE}, [*(one for one, _ in tests), *listed])
    }

    assert {one.name: (ours[one.name], *found) for (one, _), found in zip(tests, theirs, strict=False)} == {
        one.name: (verdict, verdict) for one, verdict in tests
    }
    assert {
        name: ([ours[one.name] for one in found], results)
        for (name, found), results in zip(different.items(), theirs[len(tests) :], strict=True)
    } == {name: (mine, other) for name, (_, mine, other, _) in DIFFERENCES.items()}
